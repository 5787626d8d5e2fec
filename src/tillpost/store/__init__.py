"""Where things are kept; each module implements ports."""
