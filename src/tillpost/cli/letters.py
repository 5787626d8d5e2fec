"""`tillpost bad-rows`, `dead-letters` and `replay`: what did not go through, and doing it again."""

import json
from pathlib import Path
from typing import Any

import click

from tillpost.cli.options import as_json, print_json, where

_shop = click.option("--shop", help="Whose; needed where there are several shops.")


@click.group("bad-rows")
def bad_rows() -> None:
    """See what was signed but could not be read, and read it again."""


@bad_rows.command("list")
@where
@_shop
@as_json
def bad_rows_listed(
    config_file: Path | None, data: Path | None, shop: str | None, *, as_json: bool
) -> None:
    """List every body of the last seven days that could not be read, and why."""
    from tillpost.serve.commands.resending import Place

    items = Place(config_file, data, shop).bad_rows()
    if as_json:
        print_json({"items": items})
        return
    for item in items:
        words = (item["id"], item["received_at"], item["source"], item["reason"], item["field"])
        click.echo("  ".join(str(part) for part in (*words, item["detail"]) if part))
    if not items:
        click.echo("no bad rows")


@bad_rows.command("retry")
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every bad row of the shop.")
@where
@_shop
@as_json
def read_again(
    numbers: tuple[int, ...],
    config_file: Path | None,
    data: Path | None,
    shop: str | None,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Take in rows NUMBERS as if they came when they did, by today's code and settings."""
    from tillpost.serve.commands.resending import Place

    if bool(numbers) == everything:
        raise click.UsageError("name the rows' numbers, or --all")
    found = Place(config_file, data, shop).read_again([*numbers] if numbers else None)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['taken']} taken in")
    for one in found["left"]:
        why = ": ".join(part for part in (one["reason"], one["field"], one["detail"]) if part)
        click.echo(f"left {one['id']}: {why}")


@click.group("dead-letters")
def dead_letters() -> None:
    """See what did not go through, and send it again."""


@dead_letters.command("list")
@where
@_shop
@as_json
def listed(config_file: Path | None, data: Path | None, shop: str | None, *, as_json: bool) -> None:
    """List every event that a platform refused, or that came too late."""
    from tillpost.serve.commands.resending import Place

    items = Place(config_file, data, shop).letters()
    if as_json:
        print_json({"items": items})
        return
    for item in items:
        words = (item["id"], item["at"], item["event_name"], item["event_id"], item["destination"])
        why = f"{item['state']}: {item['reason']}"
        click.echo("  ".join(str(part) for part in (*words, why, item["detail"] or "")))
    if not items:
        click.echo("no dead letters")


@dead_letters.command("show")
@click.argument("number", type=click.IntRange(min=1))
@where
@_shop
@as_json
def shown(
    number: int, config_file: Path | None, data: Path | None, shop: str | None, *, as_json: bool
) -> None:
    """Show event NUMBER: payload, every move, the platform's words, and what to mend."""
    from tillpost.serve.commands.resending import Place

    found = Place(config_file, data, shop).letter(number)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['event_name']} {found['event_id']} of {found['event_time']}")
    for one in found["destinations"]:
        click.echo(
            f"\n{one['destination']}: {one['state']} ({one['reason']}), {one['attempts']} attempts"
        )
        for name in ("detail", "fix"):
            if one[name]:
                click.echo(f"  {name}: {one[name]}")
        click.echo(_indented(one["payload"]))
    click.echo("\nmoves:")
    for move in found["transitions"]:
        words = (move["at"], move["destination"], move["state"], move["reason"], move["detail"])
        click.echo("  " + "  ".join(str(part) for part in words if part))


@dead_letters.command("retry")
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every dead letter of the shop.")
@click.option("--reason", help="With --all: only those that ended for this reason.")
@where
@_shop
@as_json
def retry(
    numbers: tuple[int, ...],
    config_file: Path | None,
    data: Path | None,
    shop: str | None,
    reason: str | None,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Send events NUMBERS again, with the same event_id and event_time."""
    from tillpost.serve.commands.resending import Place

    if bool(numbers) == everything:
        raise click.UsageError("name the events' numbers, or --all")
    found = Place(config_file, data, shop).retry([*numbers] if numbers else None, reason)
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['retried']} go again")
    _tell_left(found["left"])


@click.command()
@click.option("--since", required=True, help="From this time on, e.g. 2026-11-01T00:00:00Z.")
@click.option("--until", required=True, help="Before this time.")
@click.option("--dry-run", is_flag=True, help="Say what would go and what would change.")
@click.option("--delivered", is_flag=True, help="Also what was delivered less than 47 hours ago.")
@where
@_shop
@as_json
def replay(  # noqa: PLR0913
    since: str,
    until: str,
    config_file: Path | None,
    data: Path | None,
    shop: str | None,
    *,
    dry_run: bool,
    delivered: bool,
    as_json: bool,
) -> None:
    """Send again what was received in a time and did not go through, under today's rules.

    The same event_id and event_time go; what is too old or would count twice is left.
    """
    from tillpost.serve.commands.resending import Place

    place = Place(config_file, data, shop)
    found = place.replay(since, until, delivered=delivered, dry_run=dry_run)
    if as_json:
        print_json(found)
        return
    if not dry_run:
        click.echo(f"{found['retried']} go again")
    else:
        click.echo(
            f"{found['would_send']} of {found['events']} would go, {found['changed']} changed"
        )
        for one in found["changes"]:
            _tell_change(one)
    _tell_left(found["left"])


def _tell_change(one: dict[str, Any]) -> None:
    click.echo(f"{one['id']}  {one['event_id']}  {one['destination']}")
    for change in one["diff"]:
        click.echo(f"  {change['path']}: {_plain(change['was'])} -> {_plain(change['now'])}")


def _tell_left(left: list[dict[str, Any]]) -> None:
    for one in left:
        why = ": ".join(str(part) for part in (one["reason"], one["detail"]) if part)
        click.echo(f"left {one['id']} ({one['destination']}): {why}")


def _plain(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def _indented(payload: Any) -> str:
    text = json.dumps(payload, indent=2, ensure_ascii=False)
    return "\n".join(f"  {line}" for line in text.splitlines())
