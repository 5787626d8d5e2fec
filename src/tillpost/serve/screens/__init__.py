"""The dashboard's screens: one module of view data each, made of report and store rows."""
