"""Playing a world to a server over HTTP, and judging what the server says of it."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec import convert

from tillpost.cli.simulate import simulate
from tillpost.serve.showcase import Judged
from tillpost.simulate.answers import Answers, read_answers
from tillpost.simulate.judge import judge
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.live import hours
from tillpost.simulate.play import Line, Target, Unreachable, play
from tillpost.simulate.schedule import World, build_world
from tillpost.simulate.truth import EventTruth, OrderTruth, read, write
from tillpost.simulate.wire import Request, Secrets

START = datetime(2026, 3, 1, tzinfo=UTC)
SECRETS = Secrets("w", "server", "access", "receiver")


class Recorder:
    """A server that keeps what it is sent; its first `fail` webhooks are refused once."""

    def __init__(self, fail: int = 0, *, chunked: bool = False) -> None:
        self.seen: list[tuple[str, bytes]] = []
        self.failed = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._fail, self._chunked = fail, chunked

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=2**22)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
            await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                _, found, rest = head.partition("content-length: ")
                body = await reader.readexactly(int(rest.split("\r\n")[0]) if found else 0)
                writer.write(self._answer(head.split(" ")[1], body))
        except asyncio.IncompleteReadError:
            return

    def _answer(self, path: str, body: bytes) -> bytes:
        if path.startswith("/webhooks") and self._fail > self.failed:
            self.failed += 1
            return b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        self.seen.append((path, body))
        if self._chunked:
            return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def small() -> World:
    return build_world(Knobs(orders=20, days=2), START)


@pytest.mark.parametrize("chunked", [False, True])
def test_everything_planned_arrives(chunked: bool) -> None:
    async def run() -> Recorder:
        recorder = Recorder(fail=3, chunked=chunked)
        async with recorder as url:
            sent = await play(small(), Target(url, SECRETS))
        assert not sent.refused
        return recorder

    recorder = asyncio.run(run())
    requests = [path for path, _ in recorder.seen if path != "/dev/clock"]
    assert len(requests) == len(small().plan)
    assert recorder.failed == 3


def test_the_clock_only_goes_forward_and_leads() -> None:
    async def run() -> list[tuple[str, bytes]]:
        recorder = Recorder()
        async with recorder as url:
            await play(small(), Target(url, SECRETS))
        return recorder.seen

    now = 0.0
    for path, body in asyncio.run(run()):
        if path == "/dev/clock":
            at = datetime.fromisoformat(json.loads(body)["now"]).timestamp()
            assert at >= now
            now = at
        elif path.startswith("/px"):
            events = json.loads(body)["events"]
            skewed = "sent_at" in json.loads(body)
            assert skewed or all(event["event_time"] <= now for event in events)


def test_no_server_is_said_in_one_line() -> None:
    with pytest.raises(Unreachable, match="is the server running"):
        asyncio.run(Line("http://127.0.0.1:9").ask(Request("GET", "/")))


def test_truth_survives_its_file(tmp_path: Path) -> None:
    truth = small().truth
    write(truth, tmp_path / "truth.json")
    assert read(tmp_path / "truth.json") == truth


def test_live_hours_follow_each_other_with_new_orders() -> None:
    following = hours(Knobs(), START, every=600)
    first, second = next(following), next(following)
    assert max(row.at for row in first if row.what == "touches") <= START.timestamp() + 3600
    assert first[0].at < second[0].at

    def ids(rows: Any) -> set[int]:
        made = [row.make(SECRETS) for row in rows if row.what == "webhook"]
        bodies = [json.loads(r.body) for r in made]
        return {b["id"] for b in bodies if "total_price_set" in b}

    assert ids(first)
    assert not ids(first) & ids(second)


def perfect(world: World) -> Answers:
    """What a server without fault would answer."""
    eligible = [order for order in world.truth.orders if order.reason is None]
    rows = [_row(order) for order in eligible if order.server]
    events = [_event(order) for order in eligible if order.server or order.browser]
    events += map(_told, (*world.truth.checkouts, *world.truth.registrations))
    received = [
        {
            "event_name": "Purchase", "event_id": order.event_id, "source": "server",
            "duplicate_of": None, "matched": order.matchable, "order_id": order.order_id,
            "person": order.person if order.matchable else None,
        }
        for order in eligible if order.server
    ]  # fmt: skip
    reports: dict[str, list[dict[str, Any]]] = {
        "orders": rows,
        "channels": [{"channel": "Email", "revenue": "10.00", "currency": "USD"}],
        "campaigns": [
            {"campaign": "A", "currency": "USD", "spend": "5.00", "platform_roas": 3.0,
             "true_roas": 2.0},
            {"campaign": None, "currency": "USD", "spend": "0.00"},
        ],
        "ads": [],
    }  # fmt: skip
    return Answers(events, received, {"balanced": True}, reports)


def _row(order: OrderTruth) -> dict[str, Any]:
    said = order.expected
    return {
        "order_id": order.order_id, "channel": said.channel, "source": said.source,
        "medium": said.medium, "campaign": said.campaign, "browser": order.browser,
        "server": True, "told_value": order.edited or order.value,
        "refunded": order.refunded or "0.00",
    }  # fmt: skip


def _told(fact: EventTruth) -> dict[str, Any]:
    end = ("delivered", None) if fact.sent else ("dropped", "consent_unknown")
    return {
        "event_name": fact.name, "event_id": fact.event_id, "order_id": None,
        "outcomes": [dict(zip(("state", "reason"), end, strict=True))],
    }  # fmt: skip


def _event(order: OrderTruth) -> dict[str, Any]:
    state = "delivered" if order.server else "dropped"
    return {
        "event_name": "Purchase", "event_id": order.event_id,
        "order_id": order.order_id if order.server else None, "outcomes": [{"state": state}],
    }  # fmt: skip


def judged() -> tuple[World, dict[str, Any], Answers]:
    world = build_world(Knobs(orders=300, days=7, order_lost=0.05), START)
    answers = perfect(world)
    return world, judge(world.truth, answers), answers


def test_a_faultless_server_gets_full_marks() -> None:
    _, summary, _ = judged()
    assert {name: summary[name] for name in summary["expected"]} == summary["expected"]
    assert summary["counted"] == summary["both"] + summary["server_only"] < summary["orders"]
    assert summary["doubled"] == summary["matched_wrong"] == 0
    assert summary["matched"] == summary["matchable"]
    assert summary["match_rate"] == round(summary["matched"] / summary["delivered"], 4)
    assert summary["attributable"] == summary["attributed"] == summary["attributed_right"] > 0
    assert summary["revenue_by_channel"] == {"Email": "10.00"}
    assert [row["campaign"] for row in summary["roas_by_campaign"]] == ["A"]
    assert summary["browser_only"] > 0
    assert convert(summary, Judged).both == summary["both"]


def test_a_second_copy_is_doubled_and_a_twin_is_not() -> None:
    world, _, answers = judged()
    extra = dict(answers.received[0])
    twin = extra | {"duplicate_of": "x", "source": "browser"}
    answers.received.extend([extra, twin])
    assert judge(world.truth, answers)["doubled"] == 1


def test_a_wrong_person_and_a_wrong_channel_are_seen() -> None:
    world, before, answers = judged()
    hit = next(row for row in answers.received if row["matched"])
    hit["person"] = "somebody else"
    order = next(o for o in world.truth.orders if o.attributable and o.reason is None and o.server)
    row = next(r for r in answers.reports["orders"] if r["order_id"] == order.order_id)
    row["channel"] = "Direct"
    after = judge(world.truth, answers)
    assert after["matched_wrong"] == 1
    assert after["matched"] == before["matched"] - 1
    assert after["attributed"] == before["attributed"] - 1
    assert after["attributed_right"] == before["attributed_right"] - 1
    assert after["attributed_wrong"][0]["order_id"] == order.order_id


def test_two_rows_of_one_order_do_not_count() -> None:
    world, before, answers = judged()
    answers.reports["orders"].append(dict(answers.reports["orders"][0]))
    assert judge(world.truth, answers)["counted"] == before["counted"] - 1


def test_answers_are_read_page_by_page() -> None:
    pages = {
        "/api/v1/events?limit=1000": {"items": [{"id": 1}], "next": "a b"},
        "/api/v1/events?limit=1000&after=a%20b": {"items": [{"id": 2}], "next": None},
        "/api/v1/receiver/events?limit=1000": {"items": [], "next": None},
        "/api/v1/ledger": {"balanced": True},
        "/api/v1/findings": {"findings": [{"code": "token_out"}]},
    }

    class Pages(Recorder):
        def _answer(self, path: str, body: bytes) -> bytes:
            text = json.dumps(pages.get(path, {"rows": [path]})).encode()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)

    async def run() -> Answers:
        async with Pages() as url:
            return await read_answers(Target(url, SECRETS))

    found = asyncio.run(run())
    assert [event["id"] for event in found.events] == [1, 2]
    assert found.ledger == {"balanced": True}
    assert found.findings == [{"code": "token_out"}]


def test_more_history_than_a_platform_takes_is_refused() -> None:
    result = CliRunner().invoke(simulate, ["--to", "http://127.0.0.1:9", "--days", "7"])
    assert result.exit_code == 2
    assert "at most 6" in result.output
    assert len(result.output.strip().splitlines()) == 1
