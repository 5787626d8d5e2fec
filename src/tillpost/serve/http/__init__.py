"""Routes: what answers on which path."""
