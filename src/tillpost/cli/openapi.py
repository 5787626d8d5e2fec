"""`tillpost openapi`: the document that a server gives at /openapi.json."""

import click

from tillpost.cli.options import print_json


@click.command()
def openapi() -> None:
    """Print the OpenAPI document: every path, what it takes and what it answers."""
    from tillpost.serve.openapi import document

    print_json(document())
