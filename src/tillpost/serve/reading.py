"""What may be read of a node's stores: reports, ledger, events. The API and the CLI share it."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import partial
from threading import Lock
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct, structs, to_builtins

from tillpost.core.books import Pause
from tillpost.core.facts import CURSORS, FOLLOWED
from tillpost.core.moment import iso
from tillpost.core.outcome import Misconfigured
from tillpost.ports import Facts, Rows
from tillpost.report import catalog, drilling
from tillpost.report.health import findings
from tillpost.report.ledger import ledger
from tillpost.report.newest import Chosen, newest
from tillpost.report.query import Query, period
from tillpost.report.zones import offsets_of
from tillpost.serve.rounds.rolling import RollUps
from tillpost.serve.settings import CostSettings
from tillpost.store.followed import Followed


class Tallies(Facts, Protocol):
    """A store that reports and the ledger are read from."""

    def tallies(self) -> list[tuple[str, str, str, str | None, int]]:
        """As `ports.Outbox.tallies`."""

    def pauses(self) -> list[Pause]:
        """As `ports.Outbox.pauses`."""


class PlatformSide(Protocol):
    """What the receiver gives reports."""

    def tables(self, names: Iterable[str]) -> Mapping[str, Rows]:
        """Those of `catalog.RECEIVER_TABLES` that are named."""

    def purchases(self) -> Iterable[dict[str, Any]]:
        """The latest settled Purchases, in the shape of `GET /api/v1/receiver/events`."""


class Followable(Protocol):
    """A store of which a roll-up keeps more than facts."""

    def followed(self, since: str | None) -> Followed:
        """What of `core.facts.FOLLOWED` has changed since this cursor, or all of it."""


class Asked(Struct, frozen=True):
    """A report's parameters as text, as a query string or a command line has them."""

    since: str | None = None
    until: str | None = None
    shop: str | None = None
    model: str | None = None
    window: str | None = None
    refunds: str | None = None
    basis: str | None = None
    currency: str | None = None
    within: Mapping[str, str] = {}
    """A place in channel > campaign > adset > ad: level -> its key or name."""
    where: Mapping[str, str] = {}
    """Columns that must have these values."""
    buyers: str | None = None
    """`new` or `returning`, for the reports of `catalog.OF_BUYERS` and for `drill`."""
    limit: int | None = None
    """So many rows at most."""
    skip: int = 0
    """Only the rows after so many."""


class ShopBasis(Struct, frozen=True):
    """What a shop's reports are told in: its days' time zone and its money's currency."""

    timezone: str
    currency: str
    datasets: frozenset[str] = frozenset()
    """Where its events go: what the receiver got for others is none of its business."""
    costs: CostSettings = CostSettings()


class Reading:
    """Reads one node's stores, with what each shop's reports are told in."""

    def __init__(
        self, facts: Tallies, platform: PlatformSide | None, shops: Mapping[str, ShopBasis]
    ) -> None:
        self._facts = facts
        self._platform = platform
        self._shops = shops
        self._turn = Lock()
        """One report at a time reads the facts: over a large shop each takes gigabytes."""
        self.rollups: RollUps | None = None
        """What answers for a large shop; a server has them, a command has not."""

    def report(self, name: str, asked: Asked) -> list[dict[str, Any]]:
        """The rows of a report; raises `Misconfigured` for an unknown name or parameter."""
        found = catalog.REPORTS.get(name)
        if found is None:
            known = ", ".join(sorted(catalog.REPORTS))
            raise Misconfigured(f"there is no report {name[:40]!r}: use one of {known}")
        query = self._query(asked, name)
        is_part = asked.limit is not None or asked.skip > 0
        by_engine = is_part and name in catalog.LISTS and not (asked.within or asked.where)
        if by_engine:
            query = structs.replace(query, limit=asked.limit, skip=asked.skip)
        rows = None
        if self.rollups and (name not in catalog.CLAIMED or self._is_alone(asked.shop)):
            rows = self.rollups.answer(name, query, found, partial(self._beside, name))
        if rows is None:
            with self._turn:
                rows = found(self.tables(name, asked.shop), query)
        found_rows = self._chosen(name, rows, query, asked)
        if not is_part or by_engine:
            return found_rows
        end = None if asked.limit is None else asked.skip + asked.limit
        return found_rows[asked.skip : end]

    def newest(self, asked: Asked, chosen: Chosen) -> list[str]:
        """Ids of the orders that were chosen, the newest first; see `report.newest`."""
        name = "reasons" if chosen.reason else "orders"
        query = self._query(asked, name)
        if self.rollups:
            ids = self.rollups.answer(
                name,
                query,
                lambda tables, query: newest(tables, query, chosen),
                partial(self._beside, name),
            )
            if ids is not None:
                return ids
        with self._turn:
            return newest(self.tables(name, asked.shop), query, chosen)

    def _chosen(
        self, name: str, rows: list[dict[str, Any]], query: Query, asked: Asked
    ) -> list[dict[str, Any]]:
        """Of these rows those of the place and with the values that were asked for."""
        if name == "drill":
            currency = query.currency or self._basis(asked.shop).currency
            return drilling.drilled(rows, asked.within, asked.buyers, currency)
        return drilling.chosen(rows, asked.within, asked.where)

    def behind(self, name: str, asked: Asked) -> float:
        """By how many seconds `report` is older than the stores; 0 but for a large shop."""
        self._query(asked, name)
        return self.rollups.behind() if self.rollups else 0.0

    def _beside(self, name: str) -> dict[str, Rows]:
        """What a report reads that a roll-up does not keep."""
        more = catalog.TABLES_OF.get(name, catalog.MORE_TABLES.get(name, ()))
        kept = {*catalog.GATEWAY_TABLES, *FOLLOWED}
        found = {**self._facts.tables([table for table in more if table not in kept])}
        return found | {name: rows for name, rows in self._told().items() if name != "shops"}

    def rolled(self, stores: Mapping[str, Followable], since: Mapping[str, str]) -> dict[str, Rows]:
        """All that a roll-up keeps, as it stands now; of `FOLLOWED` what changed `since`.

        `since` are the cursors of these stores, as the table `CURSORS` told them.
        """
        tables = {**self._facts.tables(catalog.GATEWAY_TABLES), **self._told()}
        read = {name: store.followed(since.get(name)) for name, store in stores.items()}
        for found in read.values():
            tables.update(found.tables)
        cursors = [(name, found.cursor) for name, found in read.items()]
        tables[CURSORS] = (["store", "cursor"], cursors)
        return self._claimed(tables, None)

    def tables(self, report: str | None = None, shop: str | None = None) -> dict[str, Rows]:
        """All that reports (or this one, of this shop) are made from, as it stands now."""
        name = report or ""
        more = catalog.MORE_TABLES.get(name, ())
        own = catalog.TABLES_OF.get(name, (*catalog.GATEWAY_TABLES, *more))
        tables = dict(self._facts.tables(own))
        received = (
            ()
            if name in catalog.TABLES_OF
            else catalog.RECEIVED_OF.get(name, catalog.RECEIVER_TABLES)
        )
        if self._platform is not None and received:
            tables.update(self._platform.tables(received))
        zones = offsets_of({name: basis.timezone for name, basis in self._shops.items()})
        tables["zones"] = (["shop", "since", "until", "seconds"], list(zones))
        return self._claimed({**tables, **self._told()}, shop)

    def _told(self) -> dict[str, Rows]:
        """What the settings say of shops."""
        currencies = [(name, shop.currency) for name, shop in self._shops.items()]
        rules = [(name, *structs.astuple(basis.costs)) for name, basis in self._shops.items()]
        senders = [(name, to) for name, shop in self._shops.items() for to in sorted(shop.datasets)]
        return {
            "shops": (["shop", "currency"], currencies),
            "cost_rules": (["shop", *CostSettings.__struct_fields__], rules),
            "senders": (["shop", "dataset_id"], senders),
        }

    def _is_alone(self, shop: str | None) -> bool:
        """Whether no other shop has claims of its own, or every shop is asked for."""
        own = self._shops[shop].datasets if shop is not None else None
        return own is None or all(basis.datasets <= own for basis in self._shops.values())

    def _claimed(self, tables: dict[str, Rows], shop: str | None) -> dict[str, Rows]:
        """The tables with each claim's shop, and without claims of other shops' datasets."""
        if "conversions" not in tables:
            return tables
        names, rows = tables["conversions"]
        place = names.index("dataset_id")
        basis = self._shops.get(shop or "")
        own = basis.datasets if basis is not None else None
        claimants: dict[str, str | None] = {}
        for dataset in {row[place] for row in rows}:
            if own is None or dataset in own:
                claimants[dataset] = claimant(self._shops, dataset)
        told = [(*row, claimants[row[place]]) for row in rows if row[place] in claimants]
        return {**tables, "conversions": ([*names, "shop"], told)}

    def ledger(self, shop: str | None = None) -> dict[str, Any]:
        """Per destination (of one shop), what was accepted and where all of it stands."""
        return ledger(row for row in self._facts.tallies() if shop in {None, row[0]})

    def findings(self, datasets: frozenset[str] | None = None) -> dict[str, Any]:
        """`{"findings": [...]}`: faults of the set-up (of these datasets), each with its fix."""
        sales = self._platform.purchases() if self._platform is not None else []
        own = (s for s in sales if datasets is None or s["dataset_id"] in datasets)
        pauses = [
            pause
            for pause in self._facts.pauses()
            if datasets is None or any(f":{d}" in pause.destination for d in datasets)
        ]
        return {"findings": to_builtins(findings(own, pauses))}

    def events(
        self, after: int, limit: int, event_id: str | None = None, order_id: str | None = None
    ) -> dict[str, Any]:
        """`{"items": [...], "next": cursor | None}` of events with their outcomes."""
        items = self._facts.event_items(after, limit, event_id, order_id)
        for item in items:
            item["received_at"] = iso(item["received_at"])
            item["event_time"] = iso(item["event_time"])
        return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}

    def bad_rows(self, after: int, limit: int) -> dict[str, Any]:
        """`{"items": [...], "next": cursor | None}` of bodies that could not be read."""
        items = self._facts.bad_rows(after, limit)
        for item in items:
            item["received_at"] = iso(item["received_at"])
        return {"items": items, "next": items[-1]["id"] if len(items) == limit else None}

    def _query(self, asked: Asked, name: str) -> Query:
        if asked.shop is not None and asked.shop not in self._shops:
            known = ", ".join(sorted(self._shops))
            raise Misconfigured(f"there is no shop {asked.shop[:40]!r}; shops: {known}")
        zone = self._zone(asked.shop)
        given = {
            "model": asked.model or "last_non_direct",
            "window": asked.window or "30",
            "refunds": asked.refunds or "restate",
            "basis": asked.basis or "cash",
            "currency": asked.currency.upper() if asked.currency else None,
            "buyers": (asked.buyers or "all") if name in catalog.OF_BUYERS else "all",
        }
        span = period(_moment(asked.since, "from"), _moment(asked.until, "to"), zone)
        return Query(period=span, shop=asked.shop, **given).checked()  # type: ignore[arg-type]

    def _basis(self, shop: str | None) -> ShopBasis:
        """What the reports of this shop, or of the first one, are told in."""
        return self._shops.get(shop or next(iter(self._shops), "")) or ShopBasis("UTC", "USD")

    def _zone(self, shop: str | None) -> ZoneInfo:
        name = self._basis(shop).timezone
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise Misconfigured(
                f"shops.timezone: there is no zone {name!r}; use e.g. Europe/Berlin"
            ) from None


def claimant(shops: Mapping[str, ShopBasis], dataset: str) -> str | None:
    """A shop in whose currency claims of a dataset are told; None if its shops have several.

    Whoever sends to the dataset is asked; if it is nobody's, all are.
    """
    senders = [name for name, basis in shops.items() if dataset in basis.datasets]
    asked = senders or list(shops)
    return asked[0] if len({shops[name].currency for name in asked}) == 1 else None


def _moment(text: str | None, name: str) -> date | datetime | None:
    if not text:
        return None
    try:
        if len(text) == len("2026-11-01"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Misconfigured(
            f"{name}: write a day (2026-11-01) or a time with its zone (2026-11-01T09:00:00Z)"
        )
    return moment
