"""What a merchant should look at, worst first, each with what to do about it.

Every row of `RULES` looks at one thing and says nothing while it is in order.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tillpost.core.moment import iso
from tillpost.store.glance import BadRows, OrderLine, Trouble
from tillpost.store.pulls import Pull
from tillpost.store.shop_webhooks import ShopWebhook

Level: TypeAlias = Literal["bad", "look", "hint"]

QUIET_SECONDS = 24 * 3600.0
"""A browser that says nothing for so long, while orders come, is not heard any more."""
QUIET_ORDERS = 5
"""So many web orders in a row without their browser are no accident of a few blockers."""
LATE_SECONDS = 600.0
"""An event that has been due for so long is overdue."""
ENDING_SECONDS = 86400.0
"""An event that was held up and can be sent for no longer than this is told of."""
FEW = 3
"""So many events under another visitor's id are an accident."""
AGAIN_SECONDS = 86400.0
"""For so long it is told that a webhook was made again."""

FIXES: dict[str, str] = {
    "token": "Put a new access token into the settings (destinations.access_token) and restart. "
    "Nothing is lost: waiting events go out by themselves.",
    "access": "Give the token's system user access to the dataset, or correct "
    "destinations.dataset_id. Nothing is lost: waiting events go out by themselves.",
    "refused": "Look the platform's words up; they name the field. The events are kept.",
    "too_old": "The platform takes nothing older than seven days. The orders stay in every "
    "report here.",
}
"""What helps, by the reason that a destination gave."""


class Note(Struct, frozen=True):
    """One thing to look at: what, how much, and how to fix it; `command` may be pasted."""

    level: Level
    title: str
    detail: str
    fix: str
    command: str | None = None


class Signs(Struct, frozen=True):
    """What the rules look at."""

    shop: str
    url: str
    now: float
    ledger: Mapping[str, Any]
    troubles: list[Trouble]
    overdue: list[tuple[str, int, float]]
    expiring: list[tuple[str, int, float]]
    bad_rows: BadRows | None
    doubled: int | None
    latest: list[OrderLine]
    heard: Mapping[str, float]
    spends: bool
    """Whether any spend was imported."""
    paid: bool
    """Whether a paid channel brought orders."""
    unread_accounts: Sequence[Pull] = ()
    """Ad accounts whose last reading failed."""
    not_compared: str | None = None
    """Why the shop's own list of its orders could not be read."""
    missing: int = 0
    """Orders that the shop has and that are not here, or not so."""
    webhooks: Sequence[ShopWebhook] = ()
    """The shop's webhooks that lead here, where its Admin API tells of them."""
    shared_ids: Sequence[tuple[str, int]] = ()
    """Event names, and how many of each had an id that was another visitor's first."""
    unrated: Sequence[str] = ()
    """Currencies of orders or spend that no rate turns into the shop's."""


Rule: TypeAlias = Callable[[Signs], list[Note]]


def notes(signs: Signs) -> list[Note]:
    """All that needs attention, the worst first."""
    rank = {"bad": 0, "look": 1, "hint": 2}
    found = [note for told in by_rule(signs).values() for note in told]
    return sorted(found, key=lambda note: rank[note.level])


def by_rule(signs: Signs) -> dict[str, list[Note]]:
    """What each rule says; nothing while what it looks at is in order."""
    return {name: rule(signs) for name, rule in RULES.items()}


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _unbalanced(signs: Signs) -> list[Note]:
    return [
        Note(
            "bad",
            f"The ledger of {line['destination']} does not balance",
            f"{line['accepted']} events were accepted, and another number is accounted for.",
            "Keep the data directory as it is and compare with the command line.",
            "tillpost ledger --json",
        )
        for line in signs.ledger["destinations"]
        if not line["balanced"]
    ]


def _doubled(signs: Signs) -> list[Note]:
    if not signs.doubled:
        return []
    return [
        Note(
            "bad",
            f"{_many(signs.doubled, 'purchase')} too many at the platform",
            "The platform keeps more than one Purchase for the same sale.",
            "Give the page's own pixel the order's event id "
            "(fbq track with eventID), or remove the second pixel.",
        )
    ]


_TITLES = {
    "dead": "{where} refused {n} for good",
    "paused": "{where} takes nothing for now: {n} in waiting",
    "expired": "{n} too old for {where}",
    "in_doubt": "{n} sent without an answer",
}
_LEVELS: dict[str, Level] = {"dead": "bad", "paused": "bad", "expired": "look", "in_doubt": "look"}


def _troubled(signs: Signs) -> list[Note]:
    return [
        Note(
            _LEVELS[row.state],
            _TITLES[row.state].format(n=_many(row.events, "event"), where=row.destination),
            f"{row.destination} says: {row.detail or row.reason or 'nothing'}",
            FIXES.get(row.reason or "", "They go again by themselves with the same event id."),
        )
        for row in signs.troubles
        if row.state != "in_doubt" or signs.now - row.since > LATE_SECONDS
    ]


def _late(signs: Signs) -> list[Note]:
    return [
        Note(
            "look",
            f"{_many(events, 'event')} late for {where}",
            f"The oldest has been due for {(signs.now - since) / 60:.0f} minutes.",
            "Check that this machine reaches the platform; they go out as soon as it does.",
        )
        for where, events, since in signs.overdue
    ]


def _expiring(signs: Signs) -> list[Note]:
    return [
        Note(
            "bad",
            f"{_many(events, 'event')} for {where} can be sent for less than a day",
            f"The first ends in {max(until - signs.now, 0.0) / 3600:.1f} hours: the platform takes "
            "nothing older, and no second copy of what the browser reported two days ago.",
            "Mend what holds them up before that; they go out by themselves, the nearest first.",
            "tillpost doctor",
        )
        for where, events, until in signs.expiring
    ]


def _unread(signs: Signs) -> list[Note]:
    rows = signs.bad_rows
    if rows is None:
        return []
    return [
        Note(
            "look",
            f"{_many(rows.rows, 'message')} could not be read",
            f"The last one, from {rows.source}: {rows.reason} at {rows.field or 'the body'}. "
            f"{rows.detail}",
            "They are kept, sealed, for seven days. See them all with `tillpost bad-rows list`; "
            "once this server can read them, take them in:",
            "tillpost bad-rows retry --all",
        )
    ]


def _unconfirmed(signs: Signs) -> list[Note]:
    lines = signs.ledger["destinations"]
    count = max((line["dropped"].get("unconfirmed", 0) for line in lines), default=0)
    if not count:
        return []
    return [
        Note(
            "look",
            f"{_many(count, 'sale')} reported by the browser alone",
            "The shop's own report never came, so they are neither counted nor sent.",
            "Compare with the shop's orders, and see that its webhooks are still there: Shopify "
            "deletes one after eight failed deliveries within four hours.",
        )
    ]


def _silent(signs: Signs) -> list[Note]:
    web = [order for order in signs.latest if order.kind == "web"]
    if len(web) < QUIET_ORDERS or any(order.browser for order in web[: 2 * QUIET_ORDERS]):
        return []
    heard = signs.heard.get("pixel")
    if heard is not None and signs.now - heard < QUIET_SECONDS:
        title, detail = (
            "The browser misses every recent order",
            f"None of the last {len(web[: 2 * QUIET_ORDERS])} web orders has its browser event.",
        )
    else:
        title, detail = (
            "The browser says nothing",
            "Orders come from the shop alone. They count; the clicks behind them cannot be seen.",
        )
    return [
        Note(
            "look",
            title,
            detail,
            "Put the script into the shop's theme, before anything else in <head>:",
            f'<script async src="{signs.url}/px.js?shop={signs.shop}"></script>',
        )
    ]


def _shared(signs: Signs) -> list[Note]:
    if sum(events for _, events in signs.shared_ids) < FEW:
        return []
    named = ", ".join(f"{events:,} {name}" for name, events in signs.shared_ids)
    return [
        Note(
            "look",
            "One event id goes to many visitors",
            f"Of the latest events, {named} came with an id that another visitor's event had "
            "first, as pages of a cache do. They are kept apart here; Meta counts those whose "
            "page sent its own hit only once, for all visitors.",
            "Leave eventID out of the pages that a cache keeps: the script then gives each event "
            "its own. Or except these pages from the cache.",
        )
    ]


def _no_spend(signs: Signs) -> list[Note]:
    if signs.spends or not signs.paid:
        return []
    return [
        Note(
            "hint",
            "No ad spend yet",
            "Paid channels bring orders; without spend there is no ROAS.",
            "Import the platform's own export as CSV:",
            "tillpost costs import spend.csv",
        )
    ]


def _unread_accounts(signs: Signs) -> list[Note]:
    return [
        Note(
            "look",
            f"The {pull.platform} ad account {pull.account_id} could not be read",
            f"{pull.trouble}. "
            + (f"What it told is of {iso(pull.read_at)}." if pull.read_at else "It never was."),
            "It is tried again by itself; a wrong token or account is put right in ad_accounts.",
            "tillpost config check",
        )
        for pull in signs.unread_accounts
    ]


def _shop_orders(signs: Signs) -> list[Note]:
    found = []
    if signs.not_compared is not None:
        found.append(
            Note(
                "look",
                "The shop's own orders could not be compared",
                f"{signs.not_compared}.",
                "It is tried again by itself; until then gaps in the order numbers tell of "
                "lost webhooks.",
                "tillpost reconcile",
            )
        )
    if signs.missing:
        found.append(
            Note(
                "bad",
                f"{_many(signs.missing, 'order')} of the shop missing here, or not as it has them",
                "Their webhooks never came, so no report and no platform knows of them.",
                "Take them in: young ones are sent, older ones feed the reports only.",
                "tillpost reconcile --fetch",
            )
        )
    return found


def _shop_webhooks(signs: Signs) -> list[Note]:
    gone = [one for one in signs.webhooks if one.gone_at is not None]
    again = [
        one
        for one in signs.webhooks
        if one.made_at is not None and signs.now - one.made_at < AGAIN_SECONDS
    ]
    found = []
    if gone:
        why = next((f" {one.trouble}." for one in gone if one.trouble), "")
        found.append(
            Note(
                "bad",
                f"The shop has deleted {_many(len(gone), 'webhook')}: {_topics(gone)}",
                "Shopify deletes a webhook after eight failed deliveries within four hours; what "
                f"it would have told does not come by itself.{why}",
                'With shops.shopify.reconcile = "fetch" it is made again by itself, if the app '
                "may read what the webhook tells; else make it again in the shop, to the same "
                "address.",
            )
        )
    if again:
        found.append(
            Note(
                "hint",
                f"{_many(len(again), 'webhook')} made again: {_topics(again)}",
                "The shop had deleted what it could not deliver. Orders that were not told "
                "meanwhile are taken in from its own list.",
                "Find out why this server could not be reached for hours.",
            )
        )
    return found


def _topics(webhooks: Sequence[ShopWebhook]) -> str:
    return ", ".join(sorted({one.topic for one in webhooks}))


def _unrated(signs: Signs) -> list[Note]:
    if not signs.unrated:
        return []
    return [
        Note(
            "look",
            f"No rate for {', '.join(signs.unrated)}",
            "Money in it stands in rows of its own and is in no sum of the shop's currency.",
            "See which days lack a rate, and import a file of dated rates:",
            "tillpost report rates",
        )
    ]


RULES: Mapping[str, Rule] = {
    "ledger": _unbalanced,
    "duplicates": _doubled,
    "dead letters": _troubled,
    "backlog": _late,
    "deadlines": _expiring,
    "messages": _unread,
    "unconfirmed": _unconfirmed,
    "browser": _silent,
    "event ids": _shared,
    "spend": _no_spend,
    "ad accounts": _unread_accounts,
    "shop's orders": _shop_orders,
    "shop's webhooks": _shop_webhooks,
    "rates": _unrated,
}
"""Everything that is looked at, by what it is."""
