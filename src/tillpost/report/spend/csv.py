"""Ad spend from a CSV file: our own columns, or an export of Meta, Google or TikTok.

Sans-I/O: text in, rows of the `spend` table and problems out. Rows of one key (platform,
day, account, campaign, ad set, ad) in one file are added up; importing a file again
replaces what it said before, so a corrected export can simply be imported again.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Any, NamedTuple

from msgspec import Struct

from tillpost.core import money
from tillpost.core.outcome import Misconfigured
from tillpost.report.spend.problem import Problem

COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("day", ("date", "day", "by day", "stat_time_day", "date_start", "reporting starts")),
    ("last_day", ("date_stop", "reporting ends")),
    ("platform", ("platform", "channel", "source")),
    ("account_id", ("account_id", "account id", "customer id", "advertiser id", "advertiser_id")),
    ("campaign_id", ("campaign_id", "campaign id")),
    ("campaign", ("campaign", "campaign name", "campaign_name")),
    ("adset_id", ("adset_id", "ad set id", "ad group id", "adgroup_id", "ad_group_id")),
    (
        "adset",
        ("adset", "ad set name", "adset_name", "ad group", "ad group name", "adgroup_name"),
    ),
    ("ad_id", ("ad_id", "ad id")),
    ("ad", ("ad", "ad name", "ad_name")),
    ("currency", ("currency", "currency code", "account_currency", "account currency")),
    ("spend", ("spend", "amount spent", "cost", "total cost", "total_cost")),
    ("micros", ("cost_micros", "metrics.cost_micros", "cost micros")),
    ("impressions", ("impressions", "impression", "impr.", "impr", "views")),
    ("clicks", ("clicks", "click", "clicks (all)", "clicks (destination)", "link clicks")),
    (
        "claims",
        ("platform_conversions", "conversions", "conversion", "metrics.conversions", "purchases"),
    ),
    (
        "claimed_value",
        (
            *("platform_value", "conv. value", "conversion value", "metrics.conversions_value"),
            *("purchases conversion value", "total purchase value", "total_purchase_value"),
        ),
    ),
)
"""Each field and the headings it goes by, lower case; the first heading present counts."""

SIGNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("meta", frozenset({"amount spent", "ad set name", "ad set id", "adset_name", "adset_id"})),
    ("google", frozenset({"impr.", "customer id", "metrics.cost_micros", "cost micros"})),
    (
        "tiktok",
        frozenset({"by day", "stat_time_day", "clicks (destination)", "ad group name"}),
    ),
)
"""Headings by which a platform's export is known when no column names the platform."""

DATE_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%b %d, %Y", "%d.%m.%Y")
"""Days that can only be read one way; 03/04/2026 cannot."""

NOTHING = frozenset({"", "-", "--", "—", "n/a", "null", "not set", "(not set)"})
PARTS = ("campaign_id", "campaign", "adset_id", "adset", "ad_id", "ad")
ADDED = ("spend_minor", "impressions", "clicks", "claims_micro", "claims_minor")
KEY = ("platform", "day", "account_id", *PARTS)


class Layout(Struct, frozen=True):
    """What the file does not say itself.

    `mapping` names the file's own heading for a field (`{"spend": "Kosten"}`), before the
    known headings. `platform` and `currency` stand in where no column tells. `date_format`
    is strptime's.
    """

    mapping: Mapping[str, str] = {}
    platform: str | None = None
    currency: str | None = None
    date_format: str | None = None

    def checked(self) -> "Layout":
        """The layout itself; raises `Misconfigured` for a field or currency that is none."""
        fields = [field for field, _ in COLUMNS]
        for field in self.mapping:
            if field not in fields:
                known = ", ".join(fields)
                raise Misconfigured(f"there is no field {field[:40]!r} to map: use one of {known}")
        if self.currency is not None and not money.is_currency(self.currency.upper()):
            raise Misconfigured(f"unknown currency {self.currency[:20]!r}: use a code such as EUR")
        return self


PLAIN = Layout()
"""The file says all itself."""


class _Fault(Exception):
    """A cell that cannot be read: column, what, fix."""


class _Sheet(NamedTuple):
    """A file's heading and rows, each row with its line."""

    columns: dict[str, int]
    headings: list[str]
    platform: str | None
    currency: str | None
    comma_decimal: bool
    rows: list[tuple[int, list[str]]]


def read(text: str, layout: Layout = PLAIN) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Rows of the `spend` table but for the shop, and a problem for each row that is none.

    Totals are passed over. Never raises for a file's content.
    """
    sheet = _sheet(text, layout)
    if isinstance(sheet, Problem):
        return [], [sheet]
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    problems: list[Problem] = []
    for line, cells in sheet.rows:
        try:
            _add(rows, _row(sheet, cells, layout.date_format))
        except _Fault as fault:
            problems.append(Problem(line, *fault.args))
    return list(rows.values()), problems


def headings(text: str, layout: Layout = PLAIN) -> dict[str, str]:
    """Which of the file's headings each field is read from; empty if no heading line is found."""
    sheet = _sheet(text, layout)
    if isinstance(sheet, Problem):
        return {}
    return {field: sheet.headings[place] for field, place in sheet.columns.items()}


def cells(text: str, layout: Layout = PLAIN) -> list[str]:
    """The headings that a file has, to choose from: of its heading line, else of its first line."""
    sheet = _sheet(text, layout)
    if isinstance(sheet, _Sheet):
        return [heading for heading in sheet.headings if heading]
    first = next((line for line in text.splitlines() if line.strip()), "")
    try:
        row = next(csv.reader([first.removeprefix("\ufeff")], delimiter=_delimiter(text)), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in row if cell.strip()]


def _sheet(text: str, layout: Layout) -> _Sheet | Problem:
    try:
        return _found(text, layout)
    except csv.Error as error:
        return Problem(1, "", f"not a CSV file: {error}", "export it as CSV in UTF-8")


def _found(text: str, layout: Layout) -> _Sheet | Problem:
    wanted = {field: _heading(name)[0] for field, name in layout.mapping.items()}
    delimiter = _delimiter(text)
    reader = csv.reader(StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter)
    lines: Iterator[tuple[int, list[str]]] = ((reader.line_num, cells) for cells in reader)
    for line, cells in lines:
        named = [_heading(cell) for cell in cells]
        names = [name for name, _ in named]
        columns = _columns(names, wanted)
        if "day" not in columns or not {"spend", "micros"} & set(columns):
            continue
        if missing := [field for field in wanted if field not in columns]:
            what = f"no column {layout.mapping[missing[0]][:40]!r}"
            return Problem(line, missing[0], what, "map it to a heading of this line")
        spent = named[columns.get("spend", columns["day"])][1]
        return _Sheet(
            columns=columns,
            headings=[cell.strip() for cell in cells],
            platform=layout.platform or _known_platform(set(names)),
            currency=spent or layout.currency,
            comma_decimal=delimiter == ";",
            rows=[(n, row) for n, row in lines if not _is_total(row, columns)],
        )
    fix = "name the columns date and spend, or map them: day and spend"
    return Problem(1, "", "no heading line with a day and a spend column", fix)


def _delimiter(text: str) -> str:
    head = "\n".join(text.splitlines()[:5])
    return max(",;\t", key=head.count)


def _heading(cell: str) -> tuple[str, str | None]:
    """The heading in lower case, and the currency that stands in it: `Amount spent (USD)`."""
    name = " ".join(cell.replace("\u00a0", " ").split())
    found = re.fullmatch(r"(.+?) \(([A-Z]{3})\)", name)
    return (found[1].lower(), found[2]) if found else (name.lower(), None)


def _columns(headings: Sequence[str], wanted: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for field, names in COLUMNS:
        names = (wanted[field],) if field in wanted else names  # noqa: PLW2901
        place = next((headings.index(name) for name in names if name in headings), None)
        if place is not None:
            found[field] = place
    return found


def _known_platform(headings: set[str]) -> str | None:
    return next((name for name, signs in SIGNS if signs & headings), None)


def _is_total(cells: Sequence[str], columns: Mapping[str, int]) -> bool:
    """Blank lines, lines that begin with Total, and Meta's sum, which names no campaign."""
    first = cells[0].strip().lower() if cells else ""
    if not any(cell.strip() for cell in cells) or first.startswith("total"):
        return True
    named = [columns[part] for part in PARTS if part in columns]
    return bool(named) and all(i >= len(cells) or not cells[i].strip() for i in named)


def _row(sheet: _Sheet, cells: Sequence[str], date_format: str | None) -> dict[str, Any]:
    if len(cells) <= max(sheet.columns.values()):
        raise _Fault("", f"only {len(cells)} cells", "give each row as many cells as the heading")

    def cell(field: str) -> str:
        place = sheet.columns.get(field)
        value = cells[place].strip() if place is not None else ""
        return "" if value.lower() in NOTHING else value

    currency = _currency(cell("currency") or sheet.currency)
    return {
        "platform": _platform(cell("platform") or sheet.platform),
        "account_id": cell("account_id").removeprefix("act_"),
        "day": _day(cell("day"), cell("last_day"), date_format),
        **{part: cell(part) for part in PARTS},
        "currency": currency,
        "spend_minor": _spend(cell("spend"), cell("micros"), currency, sheet),
        "impressions": _whole("impressions", cell("impressions"), sheet),
        "clicks": _whole("clicks", cell("clicks"), sheet),
        "claims_micro": _claims(cell("claims"), sheet),
        "claims_minor": _claimed(cell("claimed_value"), currency, sheet),
    }


def _platform(name: str | None) -> str:
    if not name:
        raise _Fault("platform", "nothing says which platform", "add a column platform")
    return name.lower()


def _currency(code: str | None) -> str:
    if not code or not money.is_currency(code.upper()):
        what = f"{code!r} is not a currency" if code else "nothing says which currency"
        raise _Fault("currency", what, "add a column currency with an ISO 4217 code, as USD")
    return code.upper()


def _day(text: str, last: str, date_format: str | None) -> str:
    day = _date(text, date_format)
    if last and _date(last, date_format) != day:
        raise _Fault("day", f"{text} to {last} is more than a day", "export with one row a day")
    return day


def _date(text: str, date_format: str | None) -> str:
    for pattern in (date_format,) if date_format else DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern).date().isoformat()  # noqa: DTZ007
        except ValueError:
            continue
    raise _Fault("day", f"{text!r} is not a day", "write it as 2026-11-20, or give its format")


def _number(column: str, text: str, sheet: _Sheet) -> Decimal:
    """A number as people and exports write it: symbols off, thousands off, comma or point."""
    bare = re.sub(r"[^\d.,\-]", "", text) or "0"
    if sheet.comma_decimal or bare.rfind(",") > bare.rfind(".") > -1:
        bare = bare.replace(".", "").replace(",", ".")
    elif "." in bare or re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", bare):
        bare = bare.replace(",", "")
    else:
        bare = bare.replace(",", ".")
    try:
        number = Decimal(bare)
    except InvalidOperation:
        number = Decimal(-1)
    if number < 0 or (text and not any(c.isdigit() for c in text)):
        raise _Fault(column, f"{text[:40]!r} is not an amount", "write it as 1234.50, not negative")
    return number


def _spend(spend: str, micros: str, currency: str, sheet: _Sheet) -> int:
    amount = _number("spend", spend, sheet)
    if micros and not spend:
        amount = _number("spend", micros, sheet) / 1_000_000
    return _minor("spend", amount, currency)


def _minor(column: str, amount: Decimal, currency: str) -> int:
    try:
        return money.to_minor(amount, currency)
    except money.MoneyError as error:
        raise _Fault(column, str(error), "write it as 1234.50") from None


def _claims(text: str, sheet: _Sheet) -> int | None:
    """Conversions in millionths, since platforms split them too; None where none are told."""
    if not text:
        return None
    number = _number("claims", text, sheet) * 1_000_000
    if number > money.MAX_MINOR:
        raise _Fault("claims", f"{text[:40]!r} is too many", "write it as 12 or 12.5")
    return int(number)


def _claimed(text: str, currency: str, sheet: _Sheet) -> int | None:
    if not text:
        return None
    return _minor("claimed_value", _number("claimed_value", text, sheet), currency)


def _whole(column: str, text: str, sheet: _Sheet) -> int:
    number = _number(column, text, sheet)
    if number != int(number) or number > money.MAX_MINOR:
        raise _Fault(column, f"{text[:40]!r} is not a whole number", "write it as 1234")
    return int(number)


def _add(rows: dict[tuple[str, ...], dict[str, Any]], row: dict[str, Any]) -> None:
    key = tuple(row[name] for name in KEY)
    known = rows.setdefault(key, {**row, **dict.fromkeys(ADDED)})
    if known["currency"] != row["currency"]:
        fix = "give each account its own currency, or each row its own account"
        raise _Fault("currency", f"{row['currency']} and {known['currency']} for one ad", fix)
    for name in ADDED:
        if row[name] is not None:
            known[name] = (known[name] or 0) + row[name]
