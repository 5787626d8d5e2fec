"""Dead letters and replays over a real store, at the desk and by the command line."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import structs
from tests.conformance.test_gateway_store import damage

from tillpost.cli.letters import dead_letters, replay
from tillpost.core.outcome import Outcome, State
from tillpost.core.wire import Request, Response
from tillpost.deliver.destinations.meta import Settings, destination
from tillpost.deliver.outbox import Line, Sender
from tillpost.report.ledger import ledger
from tillpost.serve import development
from tillpost.serve.clock import SimulatedClock, SystemClock
from tillpost.serve.letters import LetterDesk
from tillpost.serve.node import GATEWAY_FILE
from tillpost.serve.seal import AesSealer, read_keys
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.letters_sqlite import LetterStore
from tillpost.store.sqlite import Database
from tillpost.testing import entries as make
from tillpost.testing.entries import DESTINATION, IP, NOW, SHOP

LINE = Line(DESTINATION, destination, Settings(shop=SHOP, dataset_id="1", access_token="t"))


class Platform:
    """Refuses what it is told to, and keeps what it was sent."""

    def __init__(self) -> None:
        self.refused = True
        self.sent: list[dict[str, Any]] = []

    async def send(self, request: Request, seconds: float) -> Response:
        events = msgspec.json.decode(request.body)["data"]
        self.sent += events
        if self.refused:
            error = {"code": 100, "error_subcode": 2804050, "message": "no keys"}
            return Response(400, {}, msgspec.json.encode({"error": error}))
        return Response(200, {}, msgspec.json.encode({"events_received": len(events)}))


class Office:
    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "gateway.db", "gateway")
        sealer = AesSealer(b"k" * 32)
        self.store = GatewayStore(self.database, sealer)
        self.clock = SimulatedClock(float(NOW))
        letters = LetterStore(self.database, sealer)
        self.desk = LetterDesk(letters, self.store.transitions, [LINE], self.clock)
        self.platform = Platform()
        self.sender = Sender(LINE, self.store, self.platform, self.clock, lambda: 0.5)

    def take(self, count: int, **event: Any) -> None:
        rows = [make.event_row(n, event=make.event(f"e{n}", **event)) for n in range(1, count + 1)]
        self.store.commit(
            make.changes(
                events=rows,
                deliveries=[make.delivery(row.id) for row in rows],
                accepted={(SHOP, DESTINATION): count},
            )
        )

    def send(self) -> None:
        while asyncio.run(self.sender.round()):
            pass

    @property
    def ends(self) -> dict[tuple[str, str | None], int]:
        return {(s, why): n for _, _, s, why, n in self.store.tallies() if s != "accepted"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.database.close()


def test_a_dead_letter_is_listed_and_shown_whole_and_names_nobody(office: Office) -> None:
    office.take(2)
    office.send()
    listed = office.desk.listed(0, 100, None)
    assert [item["id"] for item in listed["items"]] == [1, 2]
    assert listed["next"] is None
    found = office.desk.shown(1, SHOP)
    assert found is not None
    (one,) = found["destinations"]
    assert (one["state"], one["reason"], one["detail"]) == (
        "dead",
        "refused",
        "100/2804050: no keys",
    )
    assert one["fix"]
    assert one["payload"]["event_id"] == "e1"
    assert one["payload"]["user_data"]["client_ip_address"] == "***"
    assert IP not in json.dumps(found)
    assert [move["state"] for move in found["transitions"]] == ["pending", "leased", "dead"]
    assert office.desk.shown(1, "another") is None
    assert office.desk.shown(99, None) is None


def test_lists_come_in_pages(office: Office) -> None:
    office.take(5)
    office.send()
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        found = office.desk.listed(after, 2, SHOP)
        seen += [item["id"] for item in found["items"]]
        after = found["next"]
    assert seen == [1, 2, 3, 4, 5]
    assert office.desk.listed(0, 10, "another")["items"] == []


def test_a_retry_sends_the_same_id_and_time_and_the_ledger_still_balances(office: Office) -> None:
    office.take(3)
    office.send()
    office.platform.refused = False
    office.platform.sent.clear()
    office.clock.set(NOW + 3600.0)
    assert office.desk.retry([2], SHOP) == {"retried": 1, "left": []}
    office.send()
    assert [(e["event_id"], e["event_time"]) for e in office.platform.sent] == [("e2", NOW)]
    assert office.desk.retry(None, None, "another_reason") == {"retried": 0, "left": []}
    assert office.desk.retry(None, SHOP, "refused")["retried"] == 2
    office.send()
    assert office.ends == {("delivered", None): 3}
    assert sum(n for *_, state, _, n in office.store.tallies() if state == "accepted") == 3


def test_what_is_too_old_is_left_and_said_so(office: Office) -> None:
    office.take(1)
    office.send()
    office.clock.set(NOW + 8 * 86400.0)
    told = office.desk.retry([1], SHOP)
    assert told["retried"] == 0
    assert [(one["id"], one["reason"]) for one in told["left"]] == [(1, "too_old")]
    assert office.ends == {("dead", "refused"): 1}


def test_a_dry_run_tells_what_would_change_and_changes_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.take(2)
    office.send()
    real = type(destination).build

    def today(self: Any, event: Any, settings: Any) -> dict[str, Any]:
        return real(self, structs.replace(event, event_source_url="https://new.example/"), settings)

    monkeypatch.setattr(type(destination), "build", today)
    told = office.desk.replay(NOW - 1.0, NOW + 1.0, SHOP)
    assert (told["events"], told["would_send"], told["changed"]) == (2, 2, 2)
    assert told["changes"][0]["diff"] == [
        {
            "path": "event_source_url",
            "was": "https://demo-shop.example/thank-you",
            "now": "https://new.example/",
        }
    ]
    assert office.ends == {("dead", "refused"): 2}
    office.platform.refused = False
    office.platform.sent.clear()
    assert office.desk.replay(NOW - 1.0, NOW + 1.0, SHOP, dry_run=False)["retried"] == 2
    office.send()
    assert {e["event_source_url"] for e in office.platform.sent} == {"https://new.example/"}


def test_what_was_delivered_goes_again_only_where_it_is_asked_and_not_after_47_hours(
    office: Office,
) -> None:
    office.platform.refused = False
    office.take(1)
    office.send()
    assert office.desk.replay(NOW - 1.0, NOW + 1.0, SHOP, dry_run=False)["retried"] == 0
    told = office.desk.replay(NOW - 1.0, NOW + 1.0, SHOP, delivered=True)
    assert (told["would_send"], told["changed"]) == (1, 0)
    office.clock.set(NOW + 48 * 3600.0)
    told = office.desk.replay(NOW - 1.0, NOW + 1.0, SHOP, delivered=True)
    assert [one["reason"] for one in told["left"]] == ["counted"]


def test_an_erased_event_leaves_no_payload(office: Office) -> None:
    office.take(1)
    office.send()
    letters = LetterStore(office.database, AesSealer(b"k" * 32))
    assert list(letters.payloads([1])) == [(1, DESTINATION)]
    office.database.write_now(
        lambda conn: conn.execute("UPDATE events SET event = event WHERE id = 1")
    )
    assert letters.payloads([1]) == {}


def test_what_cannot_be_built_or_read_is_shown_with_its_fix_and_left_by_a_retry(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.take(4)
    damage(office.database, "events", "event", 2)
    real = type(destination).build

    def breaks(self: Any, event: Any, settings: Any) -> dict[str, Any]:
        if event.event_id == "e1":
            raise KeyError("a rule met what it was not written for")
        return real(self, event, settings)

    monkeypatch.setattr(type(destination), "build", breaks)
    office.platform.refused = False
    office.send()
    assert office.ends == {
        ("dead", "cannot_build"): 1,
        ("dead", "unreadable"): 1,
        ("delivered", None): 2,
    }
    books = ledger(office.store.tallies())
    assert (books["balanced"], books["destinations"][0]["dead"]) == (True, 2)
    for number, words in ((1, "fault of Tillpost"), (2, "row is damaged")):
        found = office.desk.shown(number, SHOP)
        assert found is not None
        (one,) = found["destinations"]
        assert (one["payload"], words in one["fix"]) == (None, True)
    told = office.desk.retry(None, SHOP)
    assert told["retried"] == 0
    assert [one["reason"] for one in told["left"]] == ["cannot_build", "unreadable"]
    monkeypatch.setattr(type(destination), "build", real)
    dry = office.desk.replay(NOW - 1.0, NOW + 1.0, SHOP, delivered=True)
    assert (dry["events"], dry["would_send"]) == (4, 3)
    assert office.desk.retry(None, SHOP)["retried"] == 1
    office.send()
    assert office.ends == {("dead", "unreadable"): 1, ("delivered", None): 3}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A development data directory with one dead letter of an hour ago."""
    development.read_secrets(tmp_path)
    now = SystemClock().now()
    database = Database(tmp_path / GATEWAY_FILE, "gateway")
    store = GatewayStore(database, AesSealer(*read_keys(tmp_path)))
    name = f"meta:{development.DATASET_ID}"
    event = make.event("e1", event_time=int(now - 3600))
    row = make.event_row(1, event=event, received_at=now - 3600)
    store.commit(
        make.changes(
            events=[row],
            deliveries=[make.delivery(1, name, due_at=now - 3600)],
            accepted={(SHOP, name): 1},
        )
    )
    (item,) = store.lease(name, now, 10, 60.0)
    store.settle([(item, Outcome(State.DEAD, "refused", "100/2804050: no keys"))], now)
    database.close()
    return tmp_path


def _run(command: Any, *words: str) -> Any:
    return CliRunner().invoke(command, words)


def test_the_commands_list_show_retry_and_replay(directory: Path) -> None:
    data = ("--data", str(directory))
    listed = json.loads(_run(dead_letters, "list", *data, "--json").stdout)
    assert [(i["id"], i["state"], i["reason"]) for i in listed["items"]] == [(1, "dead", "refused")]
    assert "refused" in _run(dead_letters, "list", *data).stdout
    shown = _run(dead_letters, "show", "1", *data).stdout
    assert "100/2804050: no keys" in shown
    assert "fix:" in shown
    assert IP not in shown
    span = ("--since", "2020-01-01T00:00:00Z", "--until", "2100-01-01T00:00:00Z")
    dry = json.loads(_run(replay, *span, "--dry-run", *data, "--json").stdout)
    assert (dry["events"], dry["would_send"]) == (1, 1)
    assert "1 go again" in _run(dead_letters, "retry", "1", *data).stdout
    assert "no dead letters" in _run(dead_letters, "list", *data).stdout


@pytest.mark.parametrize(
    "words",
    [("retry",), ("retry", "1", "--all"), ("show",), ("show", "0"), ("show", "x"), ("retry", "-3")],
)
def test_wrong_words_are_told(directory: Path, words: tuple[str, ...]) -> None:
    assert _run(dead_letters, *words, "--data", str(directory)).exit_code == 2


def test_a_time_that_is_none_is_told_by_its_option(directory: Path) -> None:
    told = _run(replay, "--since", "x", "--until", "y", "--data", str(directory))
    assert "since: write a time with its zone" in str(told.exception)
