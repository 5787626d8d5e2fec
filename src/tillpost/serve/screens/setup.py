"""Set-up: a checklist that turns green by itself, what to paste, and what is configured."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tillpost.collect import pixel
from tillpost.serve import pixel as pixels
from tillpost.serve.node import Node
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View
from tillpost.serve.settings import ServerKey, ShopSettings
from tillpost.store.shop_webhooks import ShopWebhook

SHOP_SYSTEMS = ("shopify", "woocommerce", "stripe", "events")
"""Sources that tell of orders; the others are browsers."""

FRESH_ORDERS = 20
"""So many of the latest orders tell whether both sides use the same ids."""


class Step(Struct, frozen=True):
    """One thing that must be in place: `done` or not, what is known, and what to do."""

    title: str
    done: bool
    detail: str
    fix: str


class Signs(Struct, frozen=True):
    """What the checklist looks at."""

    heard: Mapping[str, float] = {}
    """When each source last reported."""
    refused: Mapping[str, float] = {}
    """When each kind of request was last refused for its signature."""
    both: int = 0
    """Of the latest web orders, how many both sides told."""
    web: int = 0
    delivered: int = 0
    paused: str | None = None
    """Why a destination takes nothing, if one does."""
    tested: bool | None = None
    spends: bool = False
    webhooks: Sequence[ShopWebhook] = ()
    """The shop's webhooks that lead here, where its Admin API tells of them."""
    sends: bool = True
    """Whether the shop has a destination."""


class Snippet(Struct, frozen=True):
    """Something to paste, and where."""

    title: str
    where: str
    text: str


class SetUp(View, frozen=True, kw_only=True):
    """The checklist, how far it is, and what to paste."""

    steps: tuple[Step, ...]
    done: int
    snippets: tuple[Snippet, ...]
    refused: Mapping[str, float] = {}
    """When the newest delivery of each kind came, where its signature was wrong."""


def read(desk: Desk, ask: Ask) -> SetUp:
    """The set-up of this shop."""
    node = desk.node
    period = desk.period(ask)
    with desk.rows(ask) as rows:
        heard = rows.last_heard()
        lines = rows.latest_orders(0, period.stop, FRESH_ORDERS, (period.stop, ""))
        spends = bool(rows.spend_known())
    web = [line for line in lines if line.kind == "web"]
    tallies = desk.tallies(ask)
    names = {row[1] for row in tallies}
    open_pauses = [p for p in node.store.pauses() if p.ended_at is None and p.destination in names]
    signs = Signs(
        heard=heard,
        refused={kind: at for (shop, kind), at in node.memory.refused.items() if shop == ask.shop},
        both=sum(line.browser and line.server for line in web),
        web=len(web),
        delivered=sum(row[4] for row in tallies if row[2] == "delivered"),
        paused=next((p.reason or "not told" for p in open_pauses), None),
        tested=node.memory.trials.get(ask.shop),
        spends=spends,
        sends=bool(node.lines.get(ask.shop)),
        webhooks=node.webhooks(ask.shop),
    )
    return view(signs, node, ask)


def view(signs: Signs, node: Node, ask: Ask) -> SetUp:
    """The screen of these signs."""
    steps = checklist(signs)
    given = next(s for s in node.settings.shops if s.name == ask.shop)
    return SetUp(
        tables=(_destination_table(node, ask.shop), _key_table(given), _shop_table(node, ask)),
        steps=steps,
        done=sum(step.done for step in steps),
        snippets=_snippets(node, given),
        refused={k: at for k, at in signs.refused.items() if at > signs.heard.get(k, 0.0)},
    )


def checklist(signs: Signs) -> tuple[Step, ...]:
    """Every step, in the order in which they are done."""
    orders = [at for source, at in signs.heard.items() if source in SHOP_SYSTEMS]
    bad = max(signs.refused.values(), default=0.0)
    signed = bool(orders) and max(orders) >= bad
    return (
        Step(
            "The shop's first message came",
            bool(orders),
            "Orders reach this server." if orders else "No message of the shop yet.",
            "Add the webhook below to the shop, and place a test order.",
        ),
        Step(
            "Its signature is right",
            signed,
            "The last message was signed with a secret that is known here."
            if signed
            else ("The last one was signed with another secret." if bad else "Not seen yet."),
            "Copy the webhook's secret from the shop into shops.NAME.webhook_secrets, and restart.",
        ),
        *_webhook_steps(signs.webhooks),
        Step(
            "The browser's script was seen",
            "pixel" in signs.heard,
            "Pages tell what their visitors do."
            if "pixel" in signs.heard
            else "No page told anything.",
            "Paste the script below into the theme, before anything else in <head>.",
        ),
        Step(
            "Both sides tell of the same sale",
            signs.both > 0,
            f"{signs.both} of the last {signs.web} web orders were told by both, under one id.",
            "Buy something in a browser without a blocker; the order and its browser event meet.",
        ),
        Step(
            "The platform takes the token",
            signs.delivered > 0 and signs.paused is None,
            _token_words(signs),
            "Name the dataset and its access token under [[destinations]], and restart.",
        ),
        Step(
            "A test event was accepted",
            signs.tested is True or (signs.tested is None and signs.delivered > 0),
            _test_words(signs),
            "Send one from the Events page, with the code of the platform's Test Events tab.",
        ),
        Step(
            "Ad spend is known",
            signs.spends,
            "ROAS can be told." if signs.spends else "Without spend there is no ROAS.",
            "Import the ad platform's export on the Spend page.",
        ),
    )


def _webhook_steps(webhooks: Sequence[ShopWebhook]) -> list[Step]:
    """Whether the webhooks that the shop's API told of are still there; nothing if it told none."""
    gone = sorted({one.topic for one in webhooks if one.gone_at is not None})
    if not webhooks:
        return []
    return [
        Step(
            "The shop's webhooks are there",
            not gone,
            f"Deleted by the shop: {', '.join(gone)}."
            if gone
            else f"{len(webhooks)} lead to this server.",
            "Shopify deletes one after eight failed deliveries within four hours: make it again "
            'to the same address, or let shops.shopify.reconcile = "fetch" do it.',
        )
    ]


def _test_words(signs: Signs) -> str:
    if signs.tested is None:
        return "Real events were taken already." if signs.delivered else "None was sent yet."
    return f"The last test event was {'taken' if signs.tested else 'refused'}."


def _token_words(signs: Signs) -> str:
    if not signs.sends:
        return "No destination is named."
    if signs.paused is not None:
        return f"Paused: {signs.paused.replace('_', ' ')}. Events wait, none is lost."
    return f"{signs.delivered:,} events were taken." if signs.delivered else "Nothing was sent yet."


def _snippets(node: Node, shop: ShopSettings) -> tuple[Snippet, ...]:
    server = node.settings.server
    url = (server.public_url or f"http://{server.host}:{server.port}").rstrip("/")
    config = pixels.config_of(node.settings, shop, url)
    return (
        Snippet(
            "Webhook of the shop",
            "In Shopify: Settings > Notifications > Webhooks, for order creation, order update "
            "and refund creation, as JSON.",
            f"{url}/webhooks/shopify/{shop.name}",
        ),
        Snippet(
            "Script of every page",
            "In the theme, before anything else in <head>.",
            pixel.snippet("page", config).strip(),
        ),
    )


def _destination_table(node: Node, shop: str) -> Table:
    rows = [
        {
            "kind": d.kind,
            "account": d.account,
            "mode": d.mode,
            "events": ", ".join(d.events) or "all",
            "where": "the receiver in this process" if d.is_embedded else "the platform",
        }
        for d in node.settings.destinations
        if d.shop == shop
    ]
    return Table(
        name="destinations",
        caption="Destinations",
        columns=(
            Column("kind", "Platform"),
            Column("account", "Dataset"),
            Column("where", "Goes to"),
            Column("mode", "Mode"),
            Column("events", "Events"),
        ),
        rows=rows,
        empty="None. Write a [[destinations]] table into tillpost.toml and start again.",
    )


def _key_table(shop: ShopSettings) -> Table:
    keys = [ServerKey(key=k) if isinstance(k, str) else k for k in shop.server_keys]
    rows: Sequence[Mapping[str, Any]] = [
        {"key": f"{k.key[:6]}…", "scopes": ", ".join(k.scopes)} for k in keys
    ]
    return Table(
        name="keys",
        caption="Server keys",
        columns=(Column("key", "Begins with"), Column("scopes", "May")),
        rows=rows,
        empty="None. Back ends that send events need one: shops.server_keys in tillpost.toml.",
    )


def _shop_table(node: Node, ask: Ask) -> Table:
    rows = [
        {
            "name": s.name,
            "domain": s.domain,
            "currency": s.currency,
            "timezone": s.timezone,
            "country": s.country,
            "purchase_on": s.orders.purchase_on,
            "consent": s.consent.unknown,
        }
        for s in node.settings.shops
        if s.name in ask.shops
    ]
    return Table(
        name="shops",
        caption="Shops",
        columns=(
            Column("name", "Shop"),
            Column("domain", "Domain"),
            Column("currency", "Currency"),
            Column("timezone", "Time zone"),
            Column("country", "Country"),
            Column("purchase_on", "A sale when"),
            Column("consent", "Without consent told"),
        ),
        rows=rows,
        empty="None.",
    )


SCREEN = Screen(
    path="/setup",
    title="Checklist",
    group="Set-up",
    about="Each step turns green by itself as soon as it is true. What is configured stands in "
    "tillpost.toml, so that it can be kept with the rest of the shop's code.",
    read=read,
    template="setup.html",
    act="import",
)
