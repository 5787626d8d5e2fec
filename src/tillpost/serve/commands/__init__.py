"""What commands do at a data directory: through its running server, else alone."""
