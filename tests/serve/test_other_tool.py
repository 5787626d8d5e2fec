"""Another tool's payloads beside what is built here, from its file and from the receiver."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec import structs
from tests.store.test_flipped_bits import damage

from tillpost.cli.check import compare
from tillpost.core.outcome import Misconfigured
from tillpost.serve import development, other_tool
from tillpost.serve.clock import SimulatedClock
from tillpost.serve.node import Node
from tillpost.serve.other_tool import Comparer, payloads
from tillpost.serve.screens import balance
from tillpost.serve.seal import read_keys
from tillpost.serve.settings import Dataset, ReceiverSettings, Server, Settings
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW

OTHER = "other-tool"


def payload(number: int, **told: Any) -> dict[str, Any]:
    """What another tool sent for an order of 42.00 dollars: the e-mail alone."""
    data = {"value": 42.0, "currency": "USD", "order_id": f"#{number}", **told.pop("custom", {})}
    plain = {
        "event_name": "Purchase", "event_time": NOW, "event_id": f"theirs-{number}",
        "action_source": "website", "event_source_url": "https://demo-shop.example/",
        "user_data": {"em": [make.hashed("ada@example.com")]}, "custom_data": data,
    }  # fmt: skip
    return {**plain, **told}


def token(number: int) -> str:
    return f"{number:032x}"


class Office:
    """A node in shadow whose shop took orders, and who compares for it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        plain = development.settings(development.read_secrets(directory), Server(mode="shadow"))
        dataset = Dataset(id=OTHER, access_token="t" * 20, beside="demo")
        receiver = ReceiverSettings(datasets=(*plain.receiver.datasets, dataset))
        self.settings = Settings(
            server=plain.server, shops=plain.shops, destinations=plain.destinations,
            receiver=receiver,
        )  # fmt: skip
        self.clock = SimulatedClock(NOW)
        keys = read_keys(directory)
        self.node = Node(self.settings, directory, self.clock, keys, "http://127.0.0.1:1")
        self.runner = asyncio.Runner()
        facts = [make.order(str(n), checkout_token=token(n)) for n in (1001, 1002, 1003)]
        facts.append(make.order("1004", checkout_token=token(1004), test=True))
        entries = [make.entry(fact, source="shopify") for fact in facts]
        self.runner.run(self.node.store.append(entries))
        self.clock.set(NOW + 60)
        self.runner.run(self.node.worker.drain())

    @property
    def comparer(self) -> Comparer:
        return Comparer(self.settings, self.directory, self.node.sealer)

    def file(self, *events: Any) -> dict[str, Any]:
        return self.comparer.of_file("demo", b"\n".join(json.dumps(e).encode() for e in events))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.runner.run(made.node.close())
    made.runner.close()


def test_sales_are_told_by_who_sends_them_and_each_that_differs_by_its_fields(
    office: Office,
) -> None:
    raw = payload(1002, user_data={"em": "ada@example.com"}, custom={"value": 40})
    told = office.file(
        payload(1001), payload(1001, event_id="again"), raw, payload(1004), payload(99), {"x": 1}
    )
    sums = {row["who"]: (row["orders"], row["value"]) for row in told["sales"]}
    assert sums == {"both": (2, "84.00"), "ours": (1, "42.00"), "theirs": (2, "84.00")}
    assert (told["unread"], told["destination"]) == (1, "meta:1234567890123456")
    orders = {row["name"] or row["order_id"]: row for row in told["orders"]}
    assert (orders["#1001"]["copies"], orders["#1001"]["ids"]) == (2, 2)
    assert (orders["#1004"]["who"], orders["#1004"]["why"]) == ("theirs", "test_order")
    assert orders["#99"]["differences"] == []
    unlike = {
        d["field"]: (d["verdict"], d["ours"], d["theirs"]) for d in orders["#1002"]["differences"]
    }
    assert unlike["value"] == ("differs", "42.00 USD", "40.00 USD")
    assert unlike["em"] == ("unusable", None, None)
    fields = {row["field"]: row for row in told["fields"]}
    assert (fields["em"]["same"], fields["em"]["unusable"]) == (2, 1)
    text = json.dumps(told)
    assert "ada@example.com" not in text
    assert make.hashed("ada@example.com") not in text


def test_what_the_other_tool_sends_to_the_receiver_is_compared_too(office: Office) -> None:
    events = payloads(json.dumps({"data": [payload(1001), payload(7)]}).encode()).events
    sent = [structs.replace(event, dataset_id=OTHER, received_at=float(NOW)) for event in events]
    office.runner.run(office.node.receiver._store.receive(sent))
    office.node.receiver.settle_all()
    told = office.comparer.of_dataset("demo", (NOW - 100, NOW + 100))
    sums = {row["who"]: row["orders"] for row in told["sales"]}
    assert sums == {"both": 1, "ours": 2, "theirs": 1, "neither": 1}
    tables = balance.view([], [], None, told).tables
    assert [table.name for table in tables][3:] == ["beside", "beside_fields", "beside_orders"]
    assert {row["order"] for row in tables[-1].rows} == {"#1001", "#1002", "#1003", "#7"}


def test_a_damaged_event_is_counted_and_the_others_are_compared(office: Office) -> None:
    damage(office.node.store, "events", "event", "order_id = '1001'")
    told = office.file(payload(1002))
    assert told["unreadable"] == 1
    assert {row["who"]: row["orders"] for row in told["sales"]} == {
        "both": 1,
        "ours": 1,
        "neither": 1,
    }
    assert balance.view([], [], None, told).tables[3].rows[-1]["orders"] == 1


def test_no_dataset_and_no_destination_are_told(office: Office) -> None:
    settings = Settings(shops=office.settings.shops)
    comparer = Comparer(settings, office.directory, office.node.sealer)
    with pytest.raises(Misconfigured, match='beside = "demo"'):
        comparer.of_dataset("demo", (0, 1))
    with pytest.raises(Misconfigured, match="no destination"):
        comparer.of_file("demo", json.dumps(payload(1)).encode())


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([payload(1)]),
        json.dumps({"data": [payload(1)]}),
        json.dumps(payload(1)),
        f"{json.dumps({'data': [payload(1)]})}\n\nnonsense\n",
        json.dumps([payload(1), 7, {"event_name": "Purchase"}, payload(1, event_time=10**30)]),
    ],
)
def test_payloads_come_in_many_shapes(text: str) -> None:
    found = payloads(text.encode())
    assert [event.order_id for event in found.events] == ["#1"]


@pytest.mark.parametrize("text", [b"", b"[]", b"\xff", b"[" * 5000, b'{"event_name": "Lead"}'])
def test_where_there_is_no_purchase_nothing_can_be_compared(text: bytes) -> None:
    with pytest.raises(Misconfigured, match="no Purchase"):
        payloads(text)


def test_a_long_list_is_cut_and_counted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_tool, "MOST_SHOWN", 2)
    told = office.file(payload(1), payload(2))
    assert (len(told["orders"]), told["left"]) == (2, 3)


def test_the_command_compares_without_a_server(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "sent.jsonl"
    file.write_text(json.dumps(payload(1001, event_id="purchase." + token(1001))))
    place = ["--data", str(office.directory)]

    def run(*args: str) -> Any:
        return CliRunner().invoke(compare, [*args, *place])

    told = run(str(file))
    assert told.exit_code == 1
    assert told.stdout.splitlines()[:3] == [
        "both: 1, 42.00 USD",
        "nobody: 1, 42.00 USD",
        "only here: 2, 84.00 USD",
    ]
    assert "#1002  only here" in told.stdout
    assert json.loads(run(str(file), "--json").stdout)["shop"] == "demo"
    assert isinstance(run().exception, Misconfigured)
    assert isinstance(
        run("--since", "2026-11-01", "--until", "2026-11-02").exception, Misconfigured
    )
    assert run("--order", str(file)).exit_code == 2
