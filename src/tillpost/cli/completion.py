"""`tillpost completion`: what a shell needs to complete the commands."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), metavar="SHELL")
def completion(shell: str) -> None:
    """Print the text that makes SHELL complete tillpost's commands and options.

    For bash: tillpost completion bash > ~/.local/share/bash-completion/completions/tillpost
    """
    from click.shell_completion import get_completion_class

    from tillpost.cli import cli

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"{shell}: no completion is known; use bash, zsh or fish")
    click.echo(found(cli, {}, "tillpost", "_TILLPOST_COMPLETE").source())
