"""The shell: the only place where the parts are put together."""
