"""`tillpost trigger`: one realistic sale, end to end."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tillpost.cli.options import as_json, print_json, where

if TYPE_CHECKING:
    from tillpost.serve.commands.triggering import Stage
    from tillpost.simulate.trigger import Sale, Step

_NAMES = ("PageView", "ViewContent", "AddToCart", "InitiateCheckout", "Purchase", "Refund")


@click.command()
@click.argument("event", type=click.Choice(_NAMES, case_sensitive=False), metavar="EVENT")
@where
@click.option("--shop", help="Name of the shop; needed where there are several.")
@click.option(
    "--override",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change the order, as total_price=10 or line_items.0.price=5; may be given again.",
)
@as_json
def trigger(
    event: str,
    config_file: Path | None,
    data: Path | None,
    *,
    shop: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Play one sale up to EVENT at the running server, and show what came of it.

    EVENT is PageView, ViewContent, AddToCart, InitiateCheckout, Purchase or Refund.

    The platform tells of a click, a browser visits, the shop sends a signed order, the
    thank-you page reports it too. Exit 1 if a request is refused or the sale is not delivered;
    in shadow, if it would not be.
    """
    from tillpost.serve.clock import SystemClock
    from tillpost.serve.commands.triggering import Stage
    from tillpost.simulate.trigger import Place, Sale, chain

    stage = Stage(config_file, data, shop)
    now = SystemClock().now()
    sale = Sale(int(now * 10) % 10**9, now, _pairs(overrides))
    try:
        steps = chain(event, Place(**stage.place()), sale)
    except LookupError as error:
        raise click.UsageError(f"--override: the order has no {error}; see what it has") from None
    answers = [_play(stage, step, quiet=as_json) for step in steps]
    taken = all(answer["status"] < 300 for answer in answers)
    found = _found(stage, sale, event) if taken else {"event": None, "received": []}
    good = taken and _delivered(found, event)
    if as_json:
        print_json({"ok": good, "steps": answers, **found})
    else:
        _tell(found)
    if not good:
        if not as_json:
            click.echo("not delivered: `tillpost doctor`, with the same options, says why")
        raise SystemExit(1)


def _pairs(overrides: tuple[str, ...]) -> dict[str, Any]:
    for pair in overrides:
        if "=" not in pair:
            raise click.UsageError(f"--override {pair}: write KEY=VALUE, e.g. total_price=10")
    return {key: _value(value) for key, _, value in (pair.partition("=") for pair in overrides)}


def _value(text: str) -> Any:
    """JSON where it is JSON, else text; amounts stay text, as shops write them."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(found, float) else found


def _play(stage: "Stage", step: "Step", *, quiet: bool) -> dict[str, Any]:
    request = step.request
    status, words = stage.post(request.path, dict(request.headers), request.body)
    if not quiet:
        mark = click.style(str(status), fg="green" if status < 300 else "red")
        click.echo(f"{mark}  {step.what:20} POST {request.path}")
        if words:
            click.echo(f"     {words}")
    return {"what": step.what, "path": request.path, "status": status, "error": words or None}


def _found(stage: "Stage", sale: "Sale", event: str) -> dict[str, Any]:
    if event not in {"Purchase", "Refund"}:
        return {"event": None, "received": []}
    order_id = str(sale.overrides.get("id", sale.order_id))
    return stage.outcome(order_id)


def _delivered(found: dict[str, Any], event: str) -> bool:
    if event not in {"Purchase", "Refund"}:
        return True
    item = found["event"]
    return item is not None and any(
        o["state"] == "delivered" or o["reason"] == "shadow" for o in item["outcomes"]
    )


def _tell(found: dict[str, Any]) -> None:
    item = found["event"]
    if item is not None:
        click.echo(f"order {item['order_id']} is {item['event_name']} {item['event_id']}")
        for one in item["outcomes"]:
            why = f" ({one['reason']})" if one["reason"] else ""
            click.echo(f"  {one['destination']}: {one['state']}{why}")
    for row in found["received"]:
        known = f"matched by {' '.join(row['matched_by'])}" if row["matched"] else "not matched"
        ad = row["conversion"]
        credit = f", counted for ad {ad['ad_id']} ({ad['window']})" if ad else ""
        twin = f", a double of {row['duplicate_of']}" if row["duplicate_of"] else ""
        click.echo(f"  receiver, {row['source']}: {known}{credit}{twin}")
