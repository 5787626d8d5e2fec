"""Delivery: where every event stands with each destination, how fast, and what was refused."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from msgspec import Struct, structs

from tillpost.core.books import Pause
from tillpost.core.moment import iso
from tillpost.deliver.letters import fix
from tillpost.report.ledger import ledger
from tillpost.serve.attention import LATE_SECONDS
from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.table import Action, Column, Table
from tillpost.serve.screens.view import Screen, View

MOST_LETTERS = 500
"""Dead letters that are listed; all of them can be retried."""


class Line(Struct, frozen=True):
    """What is known of one destination besides its ledger; times in Unix seconds."""

    lags: Sequence[tuple[float, float]] = ()
    """(seconds from acceptance to delivery, when), the latest first."""
    waiting: tuple[int, int, float] = (0, 0, 0.0)
    """Events that still go out, those tried before, the oldest's due time."""
    breaker: str = ""
    """`closed`, `open` or `half_open`; empty for a destination that is not configured any more."""


BREAKERS: dict[str, str] = {
    "closed": "closed",
    "open": "open: events wait",
    "half_open": "half open: one event asks",
    "": "none: not in the settings",
}
"""What the states of a breaker are called; a closed one lets everything out."""


class Delivery(View, frozen=True, kw_only=True):
    """The ledger, the dead letters and the pauses; `dead` counts every dead letter."""

    balanced: bool
    dead: int


def read(desk: Desk, ask: Ask) -> Delivery:
    """The deliveries of this shop as they stand, of all time."""
    store = desk.node.store
    books = ledger(desk.tallies(ask))
    names = [line["destination"] for line in books["destinations"]]
    with desk.rows(ask) as rows:
        waiting = rows.waiting()
        lines = {n: Line(rows.lags(n), waiting.get(n, (0, 0, 0.0))) for n in names}
    letters = desk.node.letters.listed(0, MOST_LETTERS, ask.shop)["items"]
    pauses = [pause for pause in store.pauses() if pause.destination in lines]
    breakers = {row["destination"]: row["state"] for row in desk.node.destinations()}
    lines = {n: structs.replace(line, breaker=breakers.get(n, "")) for n, line in lines.items()}
    return view(books, lines, letters, pauses, ask, desk.node.clock.now())


def view(
    books: Mapping[str, Any],
    lines: Mapping[str, Line],
    letters: Sequence[Mapping[str, Any]],
    pauses: Sequence[Pause],
    ask: Ask,
    now: float,
) -> Delivery:
    """The screen of these rows."""
    paused = {p.destination: p for p in pauses if p.ended_at is None}
    rows = [
        _destination(line, lines[line["destination"]], paused.get(line["destination"]), now)
        for line in books["destinations"]
    ]
    return Delivery(
        tables=(
            _ledger_table(rows),
            _speed_table(rows),
            _letter_table(letters, ask),
            _dropped_table(books),
            _pause_table(pauses, now),
        ),
        balanced=books["balanced"],
        dead=sum(line["dead"] + line["expired"] for line in books["destinations"]),
    )


def _destination(
    line: Mapping[str, Any], known: Line, paused: Pause | None, now: float
) -> dict[str, Any]:
    waiting, tried, due = known.waiting
    spans = sorted(seconds * 1000 for seconds, _ in known.lags)
    late = now - due if waiting else 0.0
    return {
        "destination": line["destination"],
        "standing": _standing(paused, late),
        "breaker": BREAKERS[known.breaker],
        "accepted": line["accepted"],
        "delivered": line["delivered"],
        "pending": line["pending"],
        "tried": tried,
        "dropped": sum(line["dropped"].values()),
        "expired": line["expired"],
        "dead": line["dead"],
        "typical": round(median(spans)) if spans else None,
        "slow": round(spans[int(len(spans) * 0.95)]) if spans else None,
        "overdue": round(late * 1000) if late > 1 else None,
        "last": iso(known.lags[0][1]) if known.lags else None,
        "balanced": line["balanced"],
    }


def _standing(paused: Pause | None, late: float) -> str:
    if paused is not None:
        return f"paused: {(paused.reason or 'not told').replace('_', ' ')}"
    return "late" if late > LATE_SECONDS else "delivering"


def _ledger_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        name="destinations",
        caption="Destinations and their ledger",
        columns=(
            Column("destination", "Destination"),
            Column("standing", "Stands"),
            Column("breaker", "Breaker"),
            Column("accepted", "Accepted", "whole"),
            Column("delivered", "Delivered", "whole"),
            Column("pending", "Pending", "whole"),
            Column("tried", "Retrying", "whole"),
            Column("dropped", "Dropped", "whole", about="by policy"),
            Column("expired", "Too old", "whole"),
            Column("dead", "Refused", "whole"),
            Column("balanced", "Balances", "mark"),
        ),
        rows=rows,
        empty="No event was accepted for a destination yet. Name one in the settings under "
        "[[destinations]], then send an order.",
    )


def _speed_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        name="speed",
        caption="How fast the latest 500 went out",
        columns=(
            Column("destination", "Destination"),
            Column("typical", "Half within", "seconds"),
            Column("slow", "95 of 100 within", "seconds"),
            Column("overdue", "Oldest overdue by", "seconds"),
            Column("last", "Last delivered", "moment"),
        ),
        rows=rows,
        empty="Nothing was delivered yet.",
    )


def _letter_table(letters: Sequence[Mapping[str, Any]], ask: Ask) -> Table:
    rows = [
        {
            **letter,
            "href": ask.leave("/event", id=letter["id"]),
            "words": letter["detail"] or (letter["reason"] or "").replace("_", " "),
            "fix": fix(letter["reason"], letter["detail"]),
            "event": letter["id"],
        }
        for letter in reversed(letters)
    ]
    return Table(
        name="dead_letters",
        caption="Dead letters: what did not go through",
        columns=(
            Column("event_name", "Event"),
            Column("order_id", "Order"),
            Column("event_time", "When", "moment"),
            Column("destination", "Destination"),
            Column("words", "The platform's words"),
            Column("fix", "What helps"),
            Column("attempts", "Attempts", "whole"),
        ),
        rows=rows,
        action=Action("Retry", "/delivery/retry", ("event",), "send"),
        empty="Nothing was refused. If a destination ever refuses an event for good, it stands "
        "here with the platform's words, and goes again with one click.",
    )


def _dropped_table(books: Mapping[str, Any]) -> Table:
    rows = [
        {"destination": line["destination"], "reason": why.replace("_", " "), "events": count}
        for line in books["destinations"]
        for why, count in sorted(line["dropped"].items(), key=lambda item: -item[1])
    ]
    return Table(
        name="dropped",
        caption="Dropped on purpose, and why",
        columns=(
            Column("reason", "Reason"),
            Column("events", "Events", "whole"),
            Column("destination", "Destination"),
        ),
        rows=rows,
        empty="No event was dropped by policy.",
    )


def _pause_table(pauses: Sequence[Pause], now: float) -> Table:
    rows = [
        {
            "destination": p.destination,
            "began": iso(p.began_at),
            "ended": iso(p.ended_at) if p.ended_at is not None else None,
            "lasted": round(((p.ended_at or now) - p.began_at) * 1000),
            "reason": (p.reason or "").replace("_", " "),
        }
        for p in reversed(pauses)
    ]
    return Table(
        name="pauses",
        caption="Times in which a destination took nothing",
        columns=(
            Column("destination", "Destination"),
            Column("began", "From", "moment"),
            Column("ended", "Until", "moment"),
            Column("lasted", "Lasted", "seconds"),
            Column("reason", "Why"),
        ),
        rows=rows,
        empty="No destination has ever refused everything. Should one, events wait here and go "
        "out by themselves.",
    )


SCREEN = Screen(
    path="/delivery",
    title="Delivery",
    group="Signal",
    about="What was accepted for each destination, and where all of it stands: nothing is lost "
    "without a line here.",
    read=read,
    template="delivery.html",
)
