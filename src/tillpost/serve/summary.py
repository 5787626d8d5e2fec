"""The first page's numbers: is the money counted, what brought it, what was it worth.

Every number comes from the stores, read at one call and kept until they change; the
page and `/summary.json` show the same.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from tillpost.core.books import Wanted
from tillpost.core.capi import user_data
from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.core.shop import Shop
from tillpost.report.ledger import ledger
from tillpost.report.query import Period, period
from tillpost.serve import attention, standing
from tillpost.serve.attention import Note, Signs
from tillpost.serve.kept import Kept
from tillpost.serve.node import GATEWAY_FILE, RECEIVER_FILE, Node, destination_name
from tillpost.serve.reading import Asked
from tillpost.serve.screens.desk import shop_rows
from tillpost.serve.screens.journey import brought
from tillpost.serve.standing import Accuracy, Before, Newcomers
from tillpost.store.glance import Delivery, Glance, OrderLine
from tillpost.store.sqlite import Database

SHOWN_ORDERS = 10
_LATEST = 20
_WINDOW = "30"


class Order(Struct, frozen=True):
    """One order: who saw it, whether it counts, and where its Purchase stands.

    `counted` is how often it counts in reports: once, or not at all. `matched` is None where
    the platform does not tell.
    """

    order_id: str
    name: str
    at: str
    value: str
    currency: str
    browser: bool
    server: bool
    counted: int
    left_out: str | None
    event_id: str | None = None
    state: str | None = None
    reason: str | None = None
    delivered_ms: int | None = None
    match_keys: tuple[str, ...] = ()
    matched: bool | None = None
    channel: str | None = None
    campaign: str | None = None


class Sightings(Struct, frozen=True):
    """Orders of the period by who reported them, and how often they count.

    `doubled` is None where the platform has received nothing yet, or does not tell.
    """

    browser_only: int
    server_only: int
    both: int
    counted: int
    doubled: int | None
    left_out: dict[str, int]


class Matching(Struct, frozen=True):
    """Delivered Purchases whose buyer the platform knew; None where it does not tell."""

    delivered: int
    matched: int | None
    matched_learned: int | None
    rate: float | None
    rate_learned: float | None


class Money(Struct, frozen=True):
    """An amount and its currency."""

    amount: str
    currency: str


class Worth(Struct, frozen=True):
    """What the period was worth, in the shop's currency.

    `mer` is revenue by spend, `true_roas` the revenue of campaigns with spend by that
    spend. Spend in other currencies stands apart and in no ratio.
    """

    currency: str
    orders: int | float
    revenue: str
    spend: str
    mer: float | None
    true_roas: float | None
    other_spend: list[Money]


class Campaign(Struct, frozen=True):
    """One campaign: own revenue, spend, and what the platform claims; None where nobody told."""

    campaign: str | None
    campaign_id: str | None
    platform: str | None
    orders: int | float
    revenue: str
    currency: str
    spend: Money | None
    true_roas: float | None
    platform_conversions: int | float | None
    platform_value: str | None
    platform_roas: float | None
    other_conversions: int
    """Claims in other currencies than the shop's: in no value and no ratio."""
    apart: bool
    """Spend is in another currency than the shop's, so that there is no ratio."""


class Day(Struct, frozen=True):
    """Revenue and orders of one day of the shop's zone."""

    day: str
    revenue: str
    orders: int


class Summary(Struct, frozen=True):
    """Everything that the first page shows; times are ISO 8601 UTC, money decimal strings."""

    shop: str
    currency: str
    timezone: str
    as_of: str
    today: str
    days: int
    since: str | None
    last: Order | None
    sightings: Sightings
    matching: Matching
    worth: Worth
    accuracy: Accuracy
    new: Newcomers
    before: Before | None
    trend: list[Day]
    channels: list[dict[str, Any]]
    campaigns: list[Campaign]
    orders: list[Order]
    ledger: dict[str, Any]
    attention: list[Note]
    empty: bool
    url: str


class SummaryDesk:
    """Gives summaries of a node's shops, at most one look at the stores at a time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._url = _address(node)
        self._kept = Kept(node.directory, (GATEWAY_FILE, RECEIVER_FILE))

    def read(self, shop: str, days: int) -> Summary:
        """The shop's summary as the stores stand, or as they stood a moment ago."""
        given = self._node.shops[shop]
        return self._kept.get((shop, days), lambda: _look(self._node, given, days, self._url))


def _address(node: Node) -> str:
    """Where shop and browser reach the server."""
    server = node.settings.server
    return (server.public_url or f"http://{server.host}:{server.port}").rstrip("/")


def _look(node: Node, shop: Shop, days: int, url: str) -> Summary:
    zone = ZoneInfo(shop.timezone)
    now = node.clock.now()
    today = datetime.fromtimestamp(now, zone).date()
    first = today - timedelta(days=days - 1) if days else None
    asked = Asked(since=first.isoformat() if first else None, shop=shop.name)
    rows = {name: node.reading.report(name, asked) for name in _REPORTS}
    worth = _worth(rows["channels"], rows["campaigns"], shop.currency)
    with _glance(node, shop.name, period(first, None, zone)) as glance:
        latest = glance.latest_orders(_LATEST)
        matches = glance.matches()
        faces = _Faces(node, shop, matches, latest[:SHOWN_ORDERS])
        orders = [faces.order(line) for line in latest[:SHOWN_ORDERS]]
        books = ledger(row for row in node.store.tallies() if row[0] == shop.name)
        doubled = glance.doubled()
        return Summary(
            shop=shop.name,
            currency=shop.currency,
            timezone=shop.timezone,
            as_of=iso(now),
            today=today.isoformat(),
            days=days,
            since=first.isoformat() if first else None,
            last=faces.with_keys(orders[0], latest[0]) if orders else None,
            sightings=_sightings(rows["takings"], glance, doubled),
            matching=_matching(glance.delivered_orders(), matches if faces.told else None),
            worth=worth,
            accuracy=standing.accuracy(glance.purchase_states()),
            new=standing.newcomers(rows["takings"], Decimal(worth.spend), shop.currency),
            before=_before(node, shop, first, today, worth),
            trend=_trend(
                rows["takings"], shop.currency, zone, _first_day(glance, first, today, zone), today
            ),
            channels=rows["channels"],
            campaigns=_campaigns(rows["campaigns"], shop.currency),
            orders=orders,
            ledger=books,
            attention=attention.notes(
                _signs(node, shop, glance, rows["channels"], books, latest, doubled)
            ),
            empty=not latest,
            url=url,
        )


def _signs(
    node: Node,
    shop: Shop,
    glance: Glance,
    channels: list[dict[str, Any]],
    books: dict[str, Any],
    latest: list[OrderLine],
    doubled: int | None,
) -> Signs:
    """What may ask for attention, beside what the look has read already."""
    now = node.clock.now()
    check = node.checks.of(shop.name)
    return Signs(
        shop=shop.name,
        url=_address(node),
        now=now,
        ledger=books,
        troubles=glance.troubles(),
        overdue=glance.overdue(now - attention.LATE_SECONDS),
        expiring=glance.expiring(now + attention.ENDING_SECONDS, now - attention.LATE_SECONDS),
        bad_rows=glance.bad_rows(),
        doubled=doubled,
        latest=latest,
        heard=glance.last_heard(),
        shared_ids=glance.shared_ids(),
        spends=any(Decimal(row["spend"]) > 0 for row in channels),
        paid=any(row["channel"].startswith("Paid") for row in channels),
        unread_accounts=[
            pull for pull in node.pulls.all() if pull.shop == shop.name and pull.trouble
        ],
        not_compared=check.trouble if check else None,
        missing=glance.missing(),
        webhooks=node.webhooks(shop.name),
        unrated=sorted({row["currency"] for row in channels} - {shop.currency}),
    )


def _before(node: Node, shop: Shop, first: date | None, today: date, worth: Worth) -> Before | None:
    """The period before the first day, as long; None for all time."""
    if first is None:
        return None
    zone = ZoneInfo(shop.timezone)
    span = period(first - (today - first) - timedelta(days=1), first - timedelta(days=1), zone)
    with shop_rows(node.directory, shop.name) as found:
        totals = found.order_totals(span.start, span.stop)
        spend = found.spend_of(span.first_day, span.last_day, shop.currency)
    now = (worth.orders, Decimal(worth.revenue), Decimal(worth.spend))
    return standing.before(totals, spend, now, shop.currency)


_REPORTS = ("takings", "channels", "campaigns")


def _glance(node: Node, shop: str, span: Period) -> Glance:
    return Glance(
        Database(node.directory / GATEWAY_FILE, "gateway", readonly=True),
        Database(node.directory / RECEIVER_FILE, "receiver", readonly=True),
        shop,
        span.start,
        span.stop,
        node.datasets(shop),
    )


class _Faces:
    """Puts together what is known of single orders."""

    def __init__(
        self,
        node: Node,
        shop: Shop,
        matches: Mapping[str, tuple[bool, bool]],
        lines: Sequence[OrderLine],
    ) -> None:
        self._node = node
        self._shop = shop
        self._matches = matches
        with shop_rows(node.directory, shop.name) as found:
            ids = [line.order_id for line in lines]
            self._landings, self._deliveries = found.journeys(ids), found.deliveries(ids)
        own = {
            destination_name(d, node.settings)
            for d in node.settings.destinations
            if d.shop == shop.name and d.is_embedded
        }
        self.told = bool(own)

    def order(self, line: OrderLine) -> Order:
        found = self._deliveries.get(line.order_id, [])
        sent = next((d for d in found if d.state == "delivered"), None)
        shown = sent or next(iter(found), None)
        landings = self._landings.get(line.order_id, [])
        came = brought(line, landings, "last_non_direct", _WINDOW) if line.eligible else None
        return Order(
            order_id=line.order_id,
            name=line.name,
            at=iso(line.at),
            value=decimal_string(line.value_minor, line.currency),
            currency=line.currency,
            browser=line.browser,
            server=line.server,
            counted=int(line.eligible),
            left_out=None if line.eligible else line.reason,
            event_id=shown.event_id if shown else None,
            state=shown.state if shown else None,
            reason=shown.reason if shown else None,
            delivered_ms=_span(line, sent) if sent else None,
            matched=self._matched(line.order_id, sent),
            channel=came.channel if came else None,
            campaign=came.campaign if came else None,
        )

    def _matched(self, order_id: str, sent: Delivery | None) -> bool | None:
        if sent is None or not self.told:
            return None
        return self._matches.get(order_id, (False, False))[0]

    def with_keys(self, order: Order, line: OrderLine) -> Order:
        """The order with the names of the match keys that its Purchase carries."""
        books = self._node.store.recall(Wanted(orders={(self._shop.name, line.order_id)}))
        names = (name for row in books.events.values() for name in user_data(row.event))
        return structs.replace(order, match_keys=tuple(dict.fromkeys(names)))


def _span(line: OrderLine, sent: Delivery) -> int:
    """Milliseconds from the first report of the order to the platform's receipt."""
    return max(0, round((sent.updated_at - line.first_received_at) * 1000))


def _sightings(rows: Iterable[Mapping[str, Any]], glance: Glance, doubled: int | None) -> Sightings:
    found: Counter[tuple[bool, bool]] = Counter()
    for row in rows:
        found[row["browser"], row["server"]] += row["orders"]
    return Sightings(
        browser_only=glance.browser_only(),
        server_only=found[False, True],
        both=found[True, True],
        counted=found.total(),
        doubled=doubled,
        left_out=glance.ineligible(),
    )


def _matching(
    delivered: Sequence[str], matches: Mapping[str, tuple[bool, bool]] | None
) -> Matching:
    count = len(delivered)
    if matches is None:
        return Matching(count, None, None, None, None)
    own = sum(matches.get(order, (False, False))[0] for order in delivered)
    learned = sum(matches.get(order, (False, False))[1] for order in delivered)
    return Matching(
        count,
        own,
        learned,
        round(own / count, 4) if count else None,
        round(learned / count, 4) if count else None,
    )


def _worth(
    channels: Sequence[Mapping[str, Any]], campaigns: Sequence[Mapping[str, Any]], currency: str
) -> Worth:
    here = [row for row in channels if row["currency"] == currency]
    revenue, spend = _sum(here, "revenue"), _sum(here, "spend")
    paid = [r for r in campaigns if r["currency"] == currency and Decimal(r["spend"]) > 0]
    others: dict[str, Decimal] = defaultdict(Decimal)
    for row in channels:
        if row["currency"] != currency:
            others[row["currency"]] += Decimal(row["spend"])
    return Worth(
        currency=currency,
        orders=sum(row["orders"] for row in here),
        revenue=str(revenue),
        spend=str(spend),
        mer=_ratio(revenue, spend),
        true_roas=_ratio(_sum(paid, "revenue"), _sum(paid, "spend")),
        other_spend=[Money(str(total), name) for name, total in sorted(others.items()) if total],
    )


def _sum(rows: Iterable[Mapping[str, Any]], name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal("0.00"))


def _ratio(part: Decimal, whole: Decimal) -> float | None:
    return round(float(part / whole), 4) if whole else None


def _campaigns(rows: Sequence[Mapping[str, Any]], currency: str) -> list[Campaign]:
    """One row a campaign, the largest spend first; orders of no campaign stand last."""
    groups: dict[tuple[Any, Any], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["campaign_id"], None if row["campaign_id"] else row["campaign"]].append(row)
    made = [_campaign(group, currency) for group in groups.values()]
    return sorted(
        made,
        key=lambda c: (
            c.campaign is None and c.campaign_id is None,
            -(Decimal(c.spend.amount) if c.spend else 0),
            -Decimal(c.revenue),
        ),
    )


def _campaign(rows: Sequence[Mapping[str, Any]], currency: str) -> Campaign:
    """The rows of one campaign, one a currency, as one line."""
    own = next((row for row in rows if row["currency"] == currency), None)
    spent = next((row for row in rows if Decimal(row["spend"]) > 0), None)
    claims = sum(row["platform_conversions"] or 0 for row in rows)
    own_claims = own["platform_conversions"] if own else 0
    return Campaign(
        campaign=rows[0]["campaign"],
        campaign_id=rows[0]["campaign_id"],
        platform=next((row["platform"] for row in rows if row["platform"]), None),
        orders=own["orders"] if own else 0,
        revenue=own["revenue"] if own else decimal_string(0, currency),
        currency=currency,
        spend=Money(spent["spend"], spent["currency"]) if spent else None,
        true_roas=own["true_roas"] if own and spent is own else None,
        platform_conversions=own_claims,
        platform_value=own["platform_value"] if own else decimal_string(0, currency),
        platform_roas=own["platform_roas"] if own and spent is own else None,
        other_conversions=claims - (own_claims or 0),
        apart=spent is not None and spent["currency"] != currency,
    )


def _trend(
    rows: Iterable[Mapping[str, Any]], currency: str, zone: ZoneInfo, first: date, today: date
) -> list[Day]:
    """Every day from the first to today, also those without an order."""
    money: dict[str, Decimal] = defaultdict(Decimal)
    orders: Counter[str] = Counter()
    for row in rows:
        if row["currency"] == currency:
            day = datetime.fromisoformat(row["at"]).astimezone(zone).date().isoformat()
            money[day] += Decimal(row["revenue"])
            orders[day] += row["orders"]
    days = [(first + timedelta(days=n)).isoformat() for n in range((today - first).days + 1)]
    nothing = decimal_string(0, currency)
    return [Day(d, str(money[d]) if d in money else nothing, orders[d]) for d in days]


def _first_day(glance: Glance, first: date | None, today: date, zone: ZoneInfo) -> date:
    """The period's first day, or that of the shop's first order if it came later."""
    began = glance.first_order()
    if began is None:
        return today
    day = datetime.fromtimestamp(began, zone).date()
    return min(max(day, first or day), today)
