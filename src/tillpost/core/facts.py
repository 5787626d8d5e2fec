"""The facts that reports are made from, as segments keep them: columns, keys, and versions.

A segment is a file of one kind of facts. A fact may stand in several: the latest counts,
and what `stale` names counts in none, since it stands fresh beside them. Facts change by
their key, all of one key together.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

NUMBER, TEXT = "BIGINT", "VARCHAR"


class Kind(NamedTuple):
    """Columns with their types, the columns of the key, and the name of what changes at once.

    `found` are the columns of `stale` that hold the key, in the same order.
    """

    columns: dict[str, str]
    key: tuple[str, ...]
    grain: str
    found: tuple[str, ...]


_BY_ORDER = (("shop", "order_id"), "order", ("shop", "a"))

KINDS: dict[str, Kind] = {
    "orders": Kind(
        {
            "shop": TEXT, "order_id": TEXT, "name": TEXT, "at": NUMBER, "kind": TEXT,
            "eligible": NUMBER, "reason": TEXT, "value_minor": NUMBER, "currency": TEXT,
            "checkout_token": TEXT, "customer_id": TEXT, "returning": NUMBER,
            "cancelled_at": NUMBER, "refunded_minor": NUMBER, "browser": NUMBER,
            "server": NUMBER, "presentment_minor": NUMBER, "presentment_currency": TEXT,
            "subtotal_minor": NUMBER, "tax_minor": NUMBER, "shipping_minor": NUMBER,
        },
        *_BY_ORDER,
    ),
    "order_keys": Kind(
        {"shop": TEXT, "order_id": TEXT, "kind": TEXT, "value": TEXT}, *_BY_ORDER
    ),
    "refunds": Kind(
        {
            "shop": TEXT, "refund_id": TEXT, "order_id": TEXT, "at": NUMBER,
            "amount_minor": NUMBER, "currency": TEXT,
        },
        *_BY_ORDER,
    ),
    "links": Kind(
        {"shop": TEXT, "kind": TEXT, "value": TEXT, "visitor_id": TEXT, "at": NUMBER},
        ("shop", "kind", "value"), "link", ("shop", "a", "b"),
    ),
    "touches": Kind(
        {
            "id": NUMBER, "shop": TEXT, "visitor_id": TEXT, "at": NUMBER, "source": TEXT,
            "medium": TEXT, "campaign": TEXT, "term": TEXT, "content": TEXT,
            "campaign_id": TEXT, "adset_id": TEXT, "ad_id": TEXT, "channel": TEXT,
            "direct": NUMBER, "paid": NUMBER, "click_kind": TEXT, "click_id": TEXT,
            "referrer_host": TEXT, "landing_path": TEXT, "rules": NUMBER,
        },
        ("id",), "touch", ("a",),
    ),
}  # fmt: skip
"""What segments hold."""

SEGMENTS = "segments"
STALE = "stale"
"""The tables that come with facts of which a part is in files: the manifest, and what to skip."""

SEGMENT_COLUMNS = {"number": NUMBER, "kind": TEXT, "file": TEXT}
STALE_COLUMNS = {"grain": TEXT, "shop": TEXT, "a": TEXT, "b": TEXT}

FOLLOWED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("deliveries", "shop_journeys", "order_costs"), ("shop", "order_id")),
    **dict.fromkeys(("matches", "sightings"), ("order_id",)),
    "conversions": ("seq",),
}
"""What a roll-up keeps of each order besides its facts, and the key by which that changes."""

CURSORS = "cursors"
"""The table that says how far each store was read for them: `store, cursor`."""


def changed(name: str) -> str:
    """The table of the keys of `FOLLOWED` whose rows alone `name` holds, if there is one."""
    return f"changed_{name}"


def declared(columns: dict[str, str]) -> str:
    """Columns as a table's declaration has them."""
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())


EXACT = "SET disabled_optimizers = 'compressed_materialization'"
"""DuckDB 2.0.0 keeps sums in a type that is too narrow for them: 10000 came back as 16."""


def merged(name: str, files: Sequence[str], columns: Iterable[str] = ()) -> str:
    """The query of one kind's facts in these files (oldest first) that are not stale.

    All columns, or only those named. Only files after the first can hold later versions,
    so that a single file is simply read.
    """
    kind = KINDS[name]
    chosen = ", ".join(f's."{column}"' for column in columns or kind.columns)
    key = ", ".join(f'"{column}"' for column in kind.key)
    same = " AND ".join(f'n."{column}" = s."{column}"' for column in kind.key)
    skipped = " AND ".join(
        f'z.{place} = CAST(s."{column}" AS STRING)'
        for column, place in zip(kind.key, kind.found, strict=True)
    )
    query = f"SELECT {chosen} FROM {parquet(files)} s"
    if len(files) > 1:
        newest = f"SELECT {key}, MAX(version) AS version FROM {parquet(files[1:])} GROUP BY {key}"
        query += f" LEFT JOIN ({newest}) n ON {same}"
    query += (
        f" WHERE NOT EXISTS (SELECT 1 FROM {STALE} z WHERE z.grain = '{kind.grain}' AND {skipped})"
    )
    return query + (" AND s.version >= COALESCE(n.version, 0)" if len(files) > 1 else "")


def parquet(files: Iterable[str]) -> str:
    """The table function that reads these files."""
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{listed}])"
