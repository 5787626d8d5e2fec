"""Ad spend: what is known, and a file looked at before it counts, with every bad row named."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tillpost.core.moment import iso
from tillpost.core.money import decimal_string
from tillpost.serve import spending
from tillpost.serve.memory import Draft
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Column, Table
from tillpost.serve.screens.view import Screen, View
from tillpost.store.pulls import Pull


class Preview(Struct, frozen=True):
    """What importing the file that waits would do."""

    name: str
    by: str
    count: int
    first_day: str | None
    last_day: str | None
    spend: tuple[dict[str, str], ...]
    columns: tuple["Place", ...]
    headings: tuple[str, ...]
    """The file's own, to choose from."""
    errors: int
    fits: bool
    """Whether it can be imported: some rows, and none of them bad."""


class Place(Struct, frozen=True):
    """A field of spend: what it is called, the heading it is read from, and the one chosen."""

    field: str
    title: str
    heading: str
    chosen: str


FIELDS: dict[str, str] = {
    "day": "Day",
    "last_day": "Last day of the row",
    "platform": "Platform",
    "account_id": "Account id",
    "campaign_id": "Campaign id",
    "campaign": "Campaign",
    "adset_id": "Ad set id",
    "adset": "Ad set",
    "ad_id": "Ad id",
    "ad": "Ad",
    "currency": "Currency",
    "spend": "Spend",
    "micros": "Spend in millionths",
    "impressions": "Impressions",
    "clicks": "Clicks",
    "claims": "Claimed orders",
    "claimed_value": "Claimed value",
}
"""What the fields of `report.spend.csv.COLUMNS` are called."""


class Spend(View, frozen=True, kw_only=True):
    """What is known of the shop's spend, and the file that waits."""

    preview: Preview | None


def read(desk: Desk, ask: Ask) -> Spend:
    """The spend of this shop, of all time."""
    draft = desk.node.memory.drafts.of(ask.shop)
    found = spending.preview(draft.text, draft.layout) if draft else None
    with desk.rows(ask) as rows:
        known = rows.spend_known()
    pulls = [pull for pull in desk.node.pulls.all() if pull.shop == ask.shop]
    preview = _preview(draft, found) if draft and found else None
    return view(known, pulls, preview, found)


def view(
    known: Sequence[tuple[Any, ...]],
    pulls: Sequence[Pull],
    preview: Preview | None,
    found: Mapping[str, Any] | None,
) -> Spend:
    """The screen of these rows; `found` is what `spending.preview` says of the waiting file."""
    waiting = (_error_table(found), _row_table(found)) if found else ()
    return Spend(tables=(*waiting, _known_table(known), _pull_table(pulls)), preview=preview)


def _preview(draft: Draft, found: Mapping[str, Any]) -> Preview:
    read_from, chosen = found["columns"], draft.layout.mapping
    return Preview(
        name=draft.name,
        by=draft.by,
        count=found["count"],
        first_day=found["first_day"],
        last_day=found["last_day"],
        spend=tuple(found["spend"]),
        columns=tuple(
            Place(field, title, read_from.get(field, ""), chosen.get(field, ""))
            for field, title in FIELDS.items()
        ),
        headings=tuple(dict.fromkeys(found["headings"])),
        errors=len(found["errors"]),
        fits=bool(found["count"]) and not found["errors"],
    )


def _error_table(found: Mapping[str, Any]) -> Table:
    return Table(
        name="errors",
        caption="What is wrong in the file",
        columns=(
            Column("line", "Line", "whole"),
            Column("column", "Column"),
            Column("what", "What"),
            Column("fix", "How to fix"),
        ),
        rows=found["errors"],
        empty="Nothing. Every row can be read.",
    )


def _row_table(found: Mapping[str, Any]) -> Table:
    return Table(
        name="rows",
        caption="Its first rows, as they would count",
        columns=(
            Column("day", "Day", "day"),
            Column("platform", "Platform"),
            Column("campaign", "Campaign"),
            Column("adset", "Ad set"),
            Column("ad", "Ad"),
            Column("spend", "Spend", "money"),
            Column("impressions", "Impressions", "whole"),
            Column("clicks", "Clicks", "whole"),
        ),
        rows=found["rows"],
        empty="No row could be read.",
    )


def _known_table(known: Sequence[tuple[Any, ...]]) -> Table:
    rows = [
        {
            "platform": platform,
            "currency": currency,
            "rows": count,
            "first_day": first,
            "last_day": last,
            "spend": decimal_string(minor, currency),
            "impressions": impressions,
            "clicks": clicks,
        }
        for platform, currency, count, first, last, minor, impressions, clicks in known
    ]
    return Table(
        name="known",
        caption="Spend that counts",
        columns=(
            Column("platform", "Platform"),
            Column("rows", "Rows", "whole"),
            Column("first_day", "First day", "day"),
            Column("last_day", "Last day", "day"),
            Column("spend", "Spend", "money"),
            Column("impressions", "Impressions", "whole"),
            Column("clicks", "Clicks", "whole"),
        ),
        rows=rows,
        empty="No spend yet, so there is no ROAS. Export a report by day and campaign from the "
        "ad platform as CSV, and choose it above.",
    )


def _pull_table(pulls: Sequence[Pull]) -> Table:
    rows = [
        {
            "platform": pull.platform,
            "account": pull.account_id,
            "read_at": iso(pull.read_at) if pull.read_at else None,
            "rows": pull.rows_read,
            "trouble": pull.trouble,
            "next_at": iso(pull.next_at),
        }
        for pull in pulls
    ]
    return Table(
        name="accounts",
        caption="Ad accounts that are read by themselves",
        columns=(
            Column("account", "Account"),
            Column("platform", "Platform"),
            Column("read_at", "Last read", "moment"),
            Column("rows", "Rows", "whole"),
            Column("trouble", "Trouble"),
            Column("next_at", "Again at", "moment"),
        ),
        rows=rows,
        empty="None. Name one in the settings under [[ad_accounts]], and its spend comes daily.",
    )


SCREEN = Screen(
    path="/spend",
    title="Spend",
    group="Set-up",
    about="A file is looked at before it counts. Importing the same days again replaces them, so "
    "a corrected export can simply be imported again.",
    read=read,
    template="spend.html",
)
