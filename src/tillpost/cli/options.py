"""Options that several commands share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def where(command: F) -> F:
    """`--config` and `--data`: which settings and which data directory."""
    command = click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="Data directory; default $TILLPOST_DATA, else ./tillpost-data.",
    )(command)
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        envvar="TILLPOST_CONFIG",
        help="Settings file; without one, development defaults.",
    )(command)


def as_json(command: F) -> F:
    """`--json`: one JSON document on standard output and nothing else."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document.")(command)


def print_json(body: Any) -> None:
    """Write one JSON document."""
    click.echo(json.dumps(body, indent=2, ensure_ascii=False))
