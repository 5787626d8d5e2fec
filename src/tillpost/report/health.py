"""What is wrong with a set-up, told by what arrives: each detector finds one fault, and its fix.

The receiver sees both sides of every sale, so it can say why two sightings were not
joined. A few odd ones are the field's everyday; a share above the threshold is a fault.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from tillpost.core.books import Pause

Sale: TypeAlias = Mapping[str, Any]
"""A settled Purchase in the shape of `GET /api/v1/receiver/events`."""

NATIVE_PREFIXES = ("sh-", "shu-")
"""Ids that Shopify's own Meta channel gives its events (reference `shopify`, 2.8)."""

FEW = 3
"""So many of a kind are an accident."""


class Finding(Struct, frozen=True):
    """One fault of a set-up: its name, how many sales show it of how many, and the fix."""

    code: str
    count: int
    of: int
    title: str
    fix: str


class Evidence(NamedTuple):
    """What the detectors look at."""

    browser: Sequence[Sale]
    server: Sequence[Sale]
    pauses: Sequence[Pause]

    def twins(self) -> list[tuple[Sale, Sale]]:
        """Pairs of one sale's two sides, as the receiver joined them."""
        sales = {sale["id"]: sale for sale in (*self.browser, *self.server)}
        return [
            (sale, sales[sale["duplicate_of"]])
            for sale in sales.values()
            if sale["duplicate_of"] in sales
        ]


class Detector(NamedTuple):
    """A fault: `look` counts what shows it, of how many; above `share` of them it is one."""

    code: str
    share: float
    look: Callable[[Evidence], tuple[int, int]]
    title: str
    fix: str


def findings(sales: Iterable[Sale], pauses: Sequence[Pause]) -> list[Finding]:
    """The faults that these settled Purchases and these pauses show, in the table's order."""
    listed = [sale for sale in sales if sale["event_name"] == "Purchase"]
    evidence = Evidence(
        browser=[sale for sale in listed if sale["source"] == "browser"],
        server=[sale for sale in listed if sale["source"] == "server"],
        pauses=pauses,
    )
    found = [(detector, *detector.look(evidence)) for detector in DETECTORS]
    return [
        Finding(d.code, count, of, d.title, d.fix)
        for d, count, of in found
        if count > d.share * of and (count >= FEW or d.share == 0)
    ]


def is_native(sale: Sale) -> bool:
    """Whether the shop's own channel sent it, by its id."""
    return str(sale["event_id"] or "").startswith(NATIVE_PREFIXES)


def _native(evidence: Evidence) -> tuple[int, int]:
    """The channel's sales beside ours; under `native = "pixel"` ours take its ids over."""
    own = {sale.get("order_id") for sale in evidence.server if not is_native(sale)} | {None}
    beside = [s for s in evidence.server if is_native(s) and s.get("order_id") in own]
    return len(beside), len(evidence.server)


def _without_id(evidence: Evidence) -> tuple[int, int]:
    return sum(s["event_id"] is None for s in evidence.browser), len(evidence.browser)


def _ids_differ(evidence: Evidence) -> tuple[int, int]:
    """Browser Purchases whose id no server Purchase has, though most sales have both sides."""
    known = {sale["event_id"] for sale in evidence.server}
    own = [s for s in evidence.browser if s["event_id"] is not None and not is_native(s)]
    return sum(sale["event_id"] not in known for sale in own), len(own)


def _values_differ(evidence: Evidence) -> tuple[int, int]:
    pairs = [(a, b) for a, b in evidence.twins() if a["source"] != b["source"]]
    priced = [(a, b) for a, b in pairs if a["value"] is not None and b["value"] is not None]
    return sum(_money(a) != _money(b) for a, b in priced), len(priced)


def _money(sale: Sale) -> tuple[Any, Any]:
    return sale["value"], sale["currency"]


def _token_out(evidence: Evidence) -> tuple[int, int]:
    over = [pause for pause in evidence.pauses if pause.ended_at is not None]
    return sum(pause.reason == "token" for pause in over), 0


DETECTORS: tuple[Detector, ...] = (
    Detector(
        "native_doubles",
        0.05,
        _native,
        "The shop's own Meta channel sends the same sales under other ids",
        "Turn data sharing of the Facebook & Instagram channel off, so that each sale is sent once",
    ),
    Detector(
        "browser_without_id",
        0.05,
        _without_id,
        "The page's pixel sends Purchases without an eventID, so that no twin can be removed",
        "Load Tillpost's script before the base code, or pass eventID to fbq('track', ...)",
    ),
    Detector(
        "ids_differ",
        0.5,
        _ids_differ,
        "Browser and server use different ids for the same sale",
        "Let one tool set the id: remove the other tool's Purchase, or use its eventID in both",
    ),
    Detector(
        "values_differ",
        0.1,
        _values_differ,
        "Browser and server tell different values for the same sale",
        "Use one value base on both sides: shops.orders.value and the pixel's value",
    ),
    Detector(
        "token_out",
        0.0,
        _token_out,
        "The access token was refused for a time; events waited and went out later",
        "Use a system user's token that does not expire, and watch its expiry date",
    ),
)
"""In the order they are shown; `share` is of the sales that could show the fault."""
