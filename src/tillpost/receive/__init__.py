"""The platform's side: a Conversions API of our own that validates, matches and attributes."""
