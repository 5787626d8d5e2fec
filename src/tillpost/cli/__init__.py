"""The command line: flags in, answers out; every command is loaded only when it is named.

Exit codes: 0 good, 1 the thing checked is bad, 2 usage or configuration, each with one
line that says what, where and how to fix.
"""

import sys
from importlib import import_module

import click

COMMANDS: dict[str, tuple[str, str, str]] = {
    "serve": ("serve", "serve", "Run everything in one process."),
    "demo": ("demo", "demo", "Serve, with a simulated shop whose truth is known."),
    "simulate": ("simulate", "simulate", "Send a simulated shop's traffic to a server."),
    "report": ("report", "report", "What it was worth: ads, channels, campaigns, orders ..."),
    "ledger": ("report", "ledger", "What was accepted, and where all of it stands."),
    "dead-letters": ("letters", "dead_letters", "What did not go through: see it, send it again."),
    "bad-rows": ("letters", "bad_rows", "What could not be read when it came, and reading again."),
    "replay": ("letters", "replay", "Send a time's events again under today's rules."),
    "costs": ("costs", "costs", "Import ad spend."),
    "rates": ("costs", "rates", "Import currency rates."),
    "link": ("link", "link", "An address with its campaign tags, or a platform's template."),
    "validate": ("check", "validate", "Lint CAPI payloads with Meta's own codes."),
    "compare": ("check", "compare", "Say what another tool's payloads have otherwise."),
    "hash": ("identifiers", "hash_identifier", "Show how an identifier is spelled and hashed."),
    "models": ("models", "models", "Every attribution model over a table of paths."),
    "snippet": ("snippet", "snippet", "The text a shop pastes for its pixel."),
    "openapi": ("openapi", "openapi", "Print what the server's API takes and answers."),
    "backfill": ("backfill", "backfill", "Pull past orders from the shop."),
    "reconcile": ("reconcile", "reconcile", "Compare the shop's own orders with those here."),
    "erase": ("privacy", "erase", "Erase one person everywhere."),
    "privacy": ("privacy", "privacy", "See requests about people's data, and answer them."),
    "doctor": ("doctor", "doctor", "Say what is wrong with this set-up, and how to mend it."),
    "listen": ("listen", "listen", "Print what happens to every event, as it happens."),
    "trigger": ("trigger", "trigger", "Play one sale, from the ad's click to the conversion."),
    "send": ("send", "send", "Send a file of events, as a back end would."),
    "backup": ("backup", "backup", "Write all of a data directory into one file."),
    "restore": ("backup", "restore", "Put a backup into an empty directory."),
    "db": ("db", "db", "See and migrate the databases."),
    "completion": ("completion", "completion", "Complete the commands in your shell."),
    "init": ("init", "init", "Write the first settings of a shop."),
    "apply": ("apply", "apply", "Write many shops from one list into the settings."),
    "export": ("export", "export", "Write orders, refunds, touches and spend as files."),
    "keys": ("keys", "keys", "Change the key that seals what rests on disk."),
    "config": ("config", "config", "Check or show the settings."),
}
"""Command -> its module under `tillpost.cli`, the name in it, and one line of help."""


class Commands(click.Group):
    """A group whose commands are imported when they are called, and whose errors are one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The commands in the order they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command = getattr(import_module(f"tillpost.cli.{module}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"tillpost.cli.{module}.{name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row[2]) for name, row in COMMANDS.items()])


@click.command(cls=Commands, invoke_without_command=True)
@click.version_option(package_name="tillpost", prog_name="tillpost")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A self-hosted Conversions API, both ends of it.

    Start with `tillpost demo`.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line; errors are one line on standard error."""
    try:
        code = cli.main(standalone_mode=False)
    except click.UsageError as error:
        _fail(_with_help(error), 2)
    except click.ClickException as error:
        _fail(error.format_message(), 2)
    except click.Abort:
        _fail("interrupted", 130)
    except Exception as error:
        from tillpost.core.outcome import Misconfigured, TillpostError

        if not isinstance(error, TillpostError):
            raise
        _fail(str(error), 2 if isinstance(error, Misconfigured) else 1)
    sys.exit(code if isinstance(code, int) else 0)


def _with_help(error: click.UsageError) -> str:
    """What click says on one line, and where to read how it is meant."""
    said = " ".join(error.format_message().split()).removesuffix(".")
    path = error.ctx.command_path if error.ctx is not None else "tillpost"
    return f"{said}; see {path} --help"


def _fail(message: str, code: int) -> None:
    click.echo(f"tillpost: {message}", err=True)
    sys.exit(code)
