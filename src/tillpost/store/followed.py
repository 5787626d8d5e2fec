"""What a roll-up keeps of each order besides its facts: read whole once, then what has changed.

A cursor says how far a store was read. The gateway logs every move of an event and every change
of an order; the receiver numbers what it settles, which changes nothing but its own twins. Where
a cursor cannot say what has changed since (a log was cut, rows were removed, names are others),
all is read again.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tillpost.core.facts import FOLLOWED, changed
from tillpost.ports import Rows
from tillpost.store import queries

OF_GATEWAY = ("deliveries", "shop_journeys", "order_costs")
OF_RECEIVER = ("matches", "sightings", "conversions")
MOST = 20_000
"""If more has changed, all is read: that is sooner done."""


class Followed(NamedTuple):
    """Tables, and how far their store was read: the cursor to ask with next time.

    Of a table that stands beside `core.facts.changed` of its name, only the rows of those keys.
    """

    tables: dict[str, Rows]
    cursor: str


def of_gateway(conn: sqlite3.Connection, since: str | None) -> Followed:
    """`OF_GATEWAY` at the connection's snapshot, as far as it has changed since that cursor."""
    sql, whole = queries.load("followed"), queries.load("gateway")
    moves, changes, first = conn.execute(sql["gateway_state"]).fetchone()
    now = {"moves": moves, "changes": changes, "costs": _digest(conn.execute(sql["costs"]))}
    before = json.loads(since) if since else None
    keys: list[tuple[Any, ...]] | None = None
    if before is not None and first <= before["changes"] + 1:
        keys = conn.execute(sql["changed_orders"], before).fetchall()
    found: dict[str, Rows] = {}
    for name in OF_GATEWAY:
        is_other = name == "order_costs" and before is not None and before["costs"] != now["costs"]
        if keys is None or len(keys) > MOST or is_other:
            found[name] = _rows(conn, whole[f"table_{name}"])
        else:
            found |= _part(conn, sql, name, keys)
    return Followed(found, json.dumps(now))


def of_receiver(conn: sqlite3.Connection, since: str | None) -> Followed:
    """`OF_RECEIVER` at the connection's snapshot, as far as it has changed since that cursor."""
    sql, whole = queries.load("followed"), queries.load("receiver")
    last, events = conn.execute(sql["receiver_state"]).fetchone()
    now = {"last": last, "events": events, "names": _digest(conn.execute(sql["names"]))}
    touched = _touched(conn, sql, json.loads(since), now) if since else None
    if touched is None:
        names = {"matches": "matched_orders", "sightings": "order_copies", "conversions": "claims"}
        return Followed({n: _rows(conn, whole[t]) for n, t in names.items()}, json.dumps(now))
    orders = sorted({(order,) for _, order in touched if order is not None})
    found: dict[str, Rows] = {}
    for name in OF_RECEIVER:
        keys = orders if FOLLOWED[name] == ("order_id",) else [(seq,) for seq, _ in touched]
        found |= _part(conn, sql, name, keys)
    return Followed(found, json.dumps(now))


def _touched(
    conn: sqlite3.Connection,
    sql: Mapping[str, str],
    before: Mapping[str, Any],
    now: Mapping[str, Any],
) -> list[tuple[int, str | None]] | None:
    """The events that may have changed, with their orders; None if that cannot be told."""
    newer = conn.execute(sql["newer"], (before["last"],)).fetchone()[0]
    is_same = before["names"] == now["names"] and before["events"] + newer == now["events"]
    if not is_same or newer > MOST:
        return None
    return conn.execute(sql["touched"], (before["last"],)).fetchall()


def _part(
    conn: sqlite3.Connection, sql: Mapping[str, str], name: str, keys: Iterable[tuple[Any, ...]]
) -> dict[str, Rows]:
    """The rows of a table that have one of these keys, and beside it the keys."""
    listed = list(keys)
    plain = listed if len(FOLLOWED[name]) > 1 else [key for (key,) in listed]
    told: Rows = (list(FOLLOWED[name]), listed)
    return {name: _rows(conn, sql[name], (json.dumps(plain),)), changed(name): told}


def _rows(conn: sqlite3.Connection, text: str, given: tuple[Any, ...] = ()) -> Rows:
    cursor = conn.execute(text, given)
    return [column[0] for column in cursor.description], cursor.fetchall()


def _digest(rows: Iterable[tuple[Any, ...]]) -> str:
    """What is other for other rows."""
    found = hashlib.sha256()
    for row in rows:
        found.update(repr(row).encode())
    return found.hexdigest()
