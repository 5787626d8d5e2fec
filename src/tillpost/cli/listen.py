"""`tillpost listen`: what happens at the server, as it happens."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from tillpost.cli.options import where

if TYPE_CHECKING:
    from tillpost.serve.commands.listening import News

_COLOURS = {"rejected": "red", "dead": "red", "expired": "yellow", "dropped": "yellow"}


@click.command()
@where
@click.option("--shop", help="Name of the shop; needed where there are several.")
@click.option("--events", help="Only these event names, e.g. Purchase,AddToCart.")
@click.option("--steps", help="Only these steps, e.g. accepted,delivered,matched.")
@click.option("--forward-to", metavar="URL", help="Also POST each line there, as JSON.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many lines.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
def listen(  # noqa: PLR0913  # one parameter an option
    config_file: Path | None,
    data: Path | None,
    *,
    shop: str | None,
    events: str | None,
    steps: str | None,
    forward_to: str | None,
    count: int | None,
    as_json: bool,
) -> None:
    """Print each step of each event from now on, until stopped.

    Steps are accepted, rejected, delivered, dead, expired and dropped at the gateway, and
    received, merged and matched at the receiver here.
    """
    import msgspec

    from tillpost.serve.commands.listening import STEPS, Listener, forward

    wanted = _names("--steps", steps, STEPS)
    named = set(events.split(",")) if events else None
    if forward_to and urlsplit(forward_to).scheme not in {"http", "https"}:
        raise click.UsageError(f"--forward-to {forward_to}: give an http or https address")
    listener = Listener(config_file, data, shop)
    click.echo(f"listening at {listener.url}", err=True)
    left = count
    for news in listener.listen():
        if news.step not in wanted or (named is not None and news.event_name not in named):
            continue
        click.echo(msgspec.json.encode(news).decode() if as_json else _line(news))
        trouble = forward(news, forward_to) if forward_to else None
        if trouble:
            click.echo(f"tillpost listen: not forwarded: {trouble}", err=True)
        left = left - 1 if left is not None else None
        if left == 0:
            return


def _names(option: str, given: str | None, known: tuple[str, ...]) -> set[str]:
    names = set(given.split(",")) if given else set(known)
    if wrong := names - set(known):
        raise click.UsageError(f"{option}: no step `{min(wrong)}`; steps: {', '.join(known)}")
    return names


def _line(news: "News") -> str:
    what = [news.event_name, news.order_id and f"order {news.order_id}", news.event_id]
    where = [news.destination and f"to {news.destination}", news.detail]
    told = "  ".join(filter(None, [*what, f"({news.source})", *where]))
    step = click.style(f"{news.step:9}", fg=_COLOURS.get(news.step, "green"))
    return f"{news.at[11:19]}  {step}  {told}"
