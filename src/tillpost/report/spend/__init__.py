"""Importers of ad spend, one module each; none of them does any I/O."""
