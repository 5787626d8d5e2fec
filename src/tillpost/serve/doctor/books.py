"""The books: what arrived tells of faults that no single request shows."""

from collections.abc import Sequence

from tillpost.report.ledger import ledger
from tillpost.serve import attention
from tillpost.serve.attention import Note, Signs
from tillpost.serve.doctor import keys
from tillpost.serve.doctor.bench import Bench
from tillpost.serve.doctor.line import Check, Level, Line, ok, warn
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE, bases
from tillpost.serve.reading import Reading
from tillpost.serve.receiver import ReceiverReading
from tillpost.serve.rounds.subscribing import webhooks
from tillpost.serve.seal import AesSealer
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.glance import Glance
from tillpost.store.shop_webhooks import ShopWebhook, ShopWebhookStore
from tillpost.store.sqlite import Database

FRESH_SECONDS = 24 * 3600.0
"""A shop that sold yesterday and is silent for so long is worth a look."""
EDIT_SECONDS = 3600.0
"""So long the report of an edited order may take; most come within seconds."""
LATEST = 50

_GOOD = {
    "ledger": "all that was accepted is accounted for",
    "duplicates": "no sale counts twice at the platform",
    "dead letters": "no platform refused anything",
    "backlog": "nothing is late",
    "deadlines": "nothing that waits is near its end",
    "messages": "every message could be read",
    "unconfirmed": "no sale is known from the browser alone",
    "shop's orders": "no order is known to the shop alone",
    "shop's webhooks": "no webhook that the shop told of is gone",
    "browser": "the browser is heard",
    "event ids": "no visitor's event has the id of another's",
}
"""What is looked at, and what is said of it when all is well."""
_NAMES = {"native_doubles": "native", "values_differ": "values", "token_out": "outages"}
"""Fault of both sides -> what it is a fault of; any other is one of the ids."""
_AGREED = {
    "native": "the shop's own channel sends none of the sales",
    "ids": "both sides use the same ids",
    "values": "both sides tell the same values",
}

_LEVELS: dict[str, Level] = {"bad": "fail", "look": "warn", "hint": "warn"}
_EVER = 2**40


async def _faults(bench: Bench) -> list[Line]:
    """What both sides of the sales show: other ids, no ids, two senders, two values."""
    gateway = Database(bench.directory / GATEWAY_FILE, "gateway", readonly=True)
    platform = ReceiverReading(bench.directory / RECEIVER_FILE)
    try:
        store = GatewayStore(gateway, AesSealer(bytes(32)))
        found = Reading(store, platform, bases(bench.settings)).findings()["findings"]
    finally:
        platform.close()
        gateway.close()
    told = [_told(row) for row in found]
    named = {line.check for line in told}
    return [*told, *(ok(name, words) for name, words in _AGREED.items() if name not in named)]


def _told(row: dict[str, str]) -> Line:
    shown = f"{row['title']} ({row['count']} of {row['of']})" if row["of"] else row["title"]
    level: Level = "warn" if row["code"] == "token_out" else "fail"
    return Line(_NAMES.get(row["code"], "ids"), level, shown, row["fix"])


async def _books(bench: Bench) -> list[Line]:
    """Dead letters, backlog, silence and doubles of every shop."""
    lines: list[Line] = []
    gateway = Database(bench.directory / GATEWAY_FILE, "gateway", readonly=True)
    receiver = Database(bench.directory / RECEIVER_FILE, "receiver", readonly=True)
    try:
        tallies = GatewayStore(gateway, AesSealer(bytes(32))).tallies()
        told = bases(bench.settings)
        for shop in bench.settings.shops:
            books = ledger(row for row in tallies if row[0] == shop.name)
            own = told[shop.name].datasets
            with Glance(gateway, receiver, shop.name, 0, _EVER, own) as glance:
                seen = webhooks(ShopWebhookStore(gateway), shop)
                lines += _shop(bench, shop.name, glance, books, seen)
                if shop.shopify is not None and shop.shopify.native == "full":
                    lines.append(_unseen(shop.name, glance.native_unseen()))
    finally:
        gateway.close()
        receiver.close()
    return lines


def _shop(
    bench: Bench,
    shop: str,
    glance: Glance,
    books: dict[str, object],
    seen: Sequence[ShopWebhook],
) -> list[Line]:
    heard = glance.last_heard()
    signs = Signs(
        shop=shop,
        url=bench.settings.server.public_url or bench.own_url,
        now=bench.now,
        ledger=books,
        troubles=glance.troubles(),
        overdue=glance.overdue(bench.now - attention.LATE_SECONDS),
        expiring=glance.expiring(
            bench.now + attention.ENDING_SECONDS, bench.now - attention.LATE_SECONDS
        ),
        bad_rows=glance.bad_rows(),
        doubled=glance.doubled(),
        latest=glance.latest_orders(LATEST),
        heard=heard,
        shared_ids=glance.shared_ids(),
        spends=True,
        paid=False,
        missing=glance.missing(),
        webhooks=seen,
    )
    told = attention.by_rule(signs)
    lines = [line for name in _GOOD for line in _noted(name, shop, told[name])]
    if "pixel" not in heard:
        lines = [line for line in lines if (line.check, line.level) != ("browser", "ok")]
    edits = _edits(shop, glance.edits_alone(bench.now - EDIT_SECONDS))
    return [*lines, edits, _fresh(bench, shop, heard), *keys.lines(shop, glance)]


def _unseen(shop: str, sales: int) -> Line:
    """With `native = "full"` a blocked beacon hides whether the shop's channel told the sale."""
    if not sales:
        return ok("native", f"{shop}: no web sale went out beside those of Shopify's channel")
    told = (
        f"{shop}: {sales} web sales went out that no browser told; those that Shopify's channel "
        "told too count twice, and only Meta knows which"
    )
    return warn("native", told, 'switch Shopify\'s sharing off and set native = "off"')


def _edits(shop: str, alone: int) -> Line:
    if alone:
        fix = "send orders/updated here too, or run `tillpost reconcile --fetch` with a token"
        return warn("edits", f"{shop}: {alone} edited orders stand with their old total", fix)
    return ok("edits", f"{shop}: every edited order stands with its new total")


def _noted(name: str, shop: str, notes: list[Note]) -> list[Line]:
    found = [Line(name, _LEVELS[n.level], f"{shop}: {n.title}", n.fix) for n in notes]
    return found or [ok(name, f"{shop}: {_GOOD[name]}")]


def _fresh(bench: Bench, shop: str, heard: dict[str, float]) -> Line:
    orders = [at for source, at in heard.items() if source != "pixel"]
    if not orders:
        fix = "place a test order, or see the failed deliveries in the shop's webhook settings"
        return warn("freshness", f"{shop}: no message of the shop has come yet", fix)
    hours = (bench.now - max(orders)) / 3600
    if bench.now - max(orders) > FRESH_SECONDS:
        fix = "see the failed deliveries in the shop's webhook settings: Shopify deletes a "
        fix += "webhook after eight of them within four hours"
        return warn("freshness", f"{shop}: the last message came {hours:.0f} hours ago", fix)
    return ok("freshness", f"{shop}: the last message came {hours:.1f} hours ago")


CHECKS: tuple[Check, ...] = (
    Check("ids", _faults, ("database",)),
    Check("books", _books, ("database",)),
)
"""What the stores tell."""
