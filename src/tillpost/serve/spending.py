"""Importing ad spend and currency rates: through the running server, else into the store."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from msgspec import structs

from tillpost.core.money import decimal_string
from tillpost.core.outcome import Misconfigured
from tillpost.report.spend import csv as spend_csv
from tillpost.report.spend import products as products_csv
from tillpost.report.spend import rates as rates_csv
from tillpost.report.spend.csv import Layout
from tillpost.report.spend.problem import Problem
from tillpost.report.spend.text import decoded
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.serve.node import GATEWAY_FILE
from tillpost.serve.seal import AesSealer, read_keys
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.lock import hold, running
from tillpost.store.sqlite import Database

MOST_ERRORS = 100
"""More are counted, not listed: the first of them tell what is wrong."""
PREVIEWED = 20
"""Rows of a file that a preview shows."""


def preview(text: str, layout: Layout) -> dict[str, Any]:
    """What importing this spend file would do, without doing it.

    `{"imported": 0, "count", "columns": {field: heading}, "headings", "platforms", "first_day",
    "last_day", "spend": [{"currency", "amount"}], "rows": [the first ones], "errors"}`.
    """
    rows, errors = spend_csv.read(text, layout)
    days = [row["day"] for row in rows]
    sums: dict[str, int] = defaultdict(int)
    for row in rows:
        sums[row["currency"]] += row["spend_minor"]
    return {
        **_answer(0, errors),
        "count": len(rows),
        "columns": spend_csv.headings(text, layout),
        "headings": spend_csv.cells(text, layout),
        "platforms": sorted({row["platform"] for row in rows}),
        "first_day": min(days, default=None),
        "last_day": max(days, default=None),
        "spend": [
            {"currency": code, "amount": decimal_string(minor, code)}
            for code, minor in sorted(sums.items())
        ],
        "rows": [_shown(row) for row in rows[:PREVIEWED]],
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in row.items() if not name.endswith(("_minor", "_micro"))}
    return {**plain, "spend": decimal_string(row["spend_minor"], row["currency"])}


def keep_spend(store: GatewayStore, text: str, layout: Layout, shop: str) -> dict[str, Any]:
    """`{"imported": n, "errors": [...]}`; either every row of the file is kept or none is."""
    rows, errors = spend_csv.read(text, layout)
    if errors:
        return _answer(0, errors)
    return _answer(store.add_spend([{**row, "shop": shop} for row in rows]), [])


def keep_rates(store: GatewayStore, text: str) -> dict[str, Any]:
    """`{"imported": n, "errors": [...]}`; either every rate of the file is kept or none is."""
    rates, errors = rates_csv.read(text)
    return _answer(0, errors) if errors else _answer(store.add_rates(rates), [])


def keep_products(store: GatewayStore, text: str, currency: str, shop: str) -> dict[str, Any]:
    """`{"imported": n, "errors": [...]}`; either every product's cost is kept or none is."""
    rows, errors = products_csv.read(text, currency)
    if errors:
        return _answer(0, errors)
    return _answer(store.add_product_costs([{**row, "shop": shop} for row in rows]), [])


def _answer(imported: int, errors: Sequence[Problem]) -> dict[str, Any]:
    listed = [error._asdict() for error in errors[:MOST_ERRORS]]
    return {"imported": imported, "errors": listed, "wrong": len(errors)}


def query(layout: Layout, *, dry_run: bool = False) -> str:
    """The layout as the query of `POST /api/v1/spend/{shop}`, with its `?` if it says anything."""
    plain = {
        "platform": layout.platform,
        "currency": layout.currency,
        "date_format": layout.date_format,
        "dry_run": "1" if dry_run else None,
    }
    told = {name: value for name, value in plain.items() if value}
    told |= {f"map.{field}": heading for field, heading in layout.mapping.items()}
    return f"?{urlencode(told)}" if told else ""


def layout_of(given: Mapping[str, str]) -> Layout:
    """The layout that a query tells; raises `Misconfigured` for what it cannot be."""
    mapping = {name[4:]: value for name, value in given.items() if name.startswith("map.")}
    plain = {name: given.get(name) or None for name in ("platform", "currency", "date_format")}
    return Layout(mapping, **plain).checked()


def import_spend(
    file: Path,
    config_file: Path | None,
    data: Path | None,
    shop: str | None,
    layout: Layout,
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    """As `keep_spend`, or as `preview`; raises `Misconfigured` for a file or shop not found."""
    settings, directory = settings_of(config_file, data)
    name = shop_of(settings, shop)
    own = next(s.currency for s in settings.shops if s.name == name)
    known = structs.replace(layout.checked(), currency=layout.currency or own)
    text = _text(file)
    if dry_run:
        return preview(text, known)
    url = running(directory)
    if url is not None:
        path = f"/api/v1/spend/{name}{query(known)}"
        return Remote(url, settings, name, "costs").post(path, text, "text/csv")
    return _offline(directory, lambda store: keep_spend(store, text, known, name))


def import_rates(file: Path, config_file: Path | None, data: Path | None) -> dict[str, Any]:
    """As `keep_rates`; raises `Misconfigured` for a file that cannot be read."""
    settings, directory = settings_of(config_file, data)
    text = _text(file)
    url = running(directory)
    if url is not None:
        remote = Remote(url, settings, settings.shops[0].name, "costs")
        return remote.post("/api/v1/rates", text, "text/csv")
    return _offline(directory, lambda store: keep_rates(store, text))


def import_products(
    file: Path, config_file: Path | None, data: Path | None, shop: str | None
) -> dict[str, Any]:
    """As `keep_products`; raises `Misconfigured` for a file or shop that is not found."""
    settings, directory = settings_of(config_file, data)
    name = shop_of(settings, shop)
    own = next(s.currency for s in settings.shops if s.name == name)
    text = _text(file)
    url = running(directory)
    if url is not None:
        path = f"/api/v1/product-costs/{name}"
        return Remote(url, settings, name, "costs").post(path, text, "text/csv")
    return _offline(directory, lambda store: keep_products(store, text, own, name))


def _text(file: Path) -> str:
    try:
        return decoded(file.read_bytes())
    except OSError as error:
        raise Misconfigured(f"cannot read {file} ({error.strerror}): name a CSV file") from None


def _offline(directory: Path, keep: Callable[[GatewayStore], dict[str, Any]]) -> dict[str, Any]:
    with hold(directory):
        database = Database(directory / GATEWAY_FILE, "gateway")
        try:
            return keep(GatewayStore(database, AesSealer(*read_keys(directory))))
        finally:
            database.close()
