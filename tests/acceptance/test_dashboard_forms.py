"""What an owner does on the pages: retry, test, import; and what no other page can make them do."""

import sqlite3
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.live import Live, wait_for
from tests.orders import iso, order
from tests.refused import refuse
from tests.signed import Session, owner, sign_in

GOOD = "date,platform,campaign,spend,currency\n2026-11-20,meta,Spring,12.50,USD\n"
BAD = "date,platform,campaign,spend,currency\n2026-11-20,meta,Spring,lots,USD\n"


@pytest.fixture(scope="module")
def page(one_server: Live) -> Session:
    return owner(one_server)


def _letters(server: Live) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = server.get("/delivery.json")["tables"]
    return next(t for t in tables if t["name"] == "dead_letters")["rows"]  # type: ignore[no-any-return]


def test_a_dead_letter_is_read_and_sent_again_with_one_click(page: Session) -> None:
    server = page.server
    made = order(6001)
    assert server.webhook(made).status == 200
    server.purchase(str(made["id"]))
    refuse(server, str(made["id"]))
    (letter,) = wait_for(lambda: _letters(server))
    assert letter["order_id"] == str(made["id"])
    assert letter["detail"] == "Invalid parameter"
    text = page.text("/delivery")
    assert "Retry the dead letter" in text
    reply = page.send("/delivery/retry", page="/delivery", event=str(letter["event"]))
    assert (reply.status, reply.headers["location"]) == (303, "/delivery")
    assert "with the same id" in page.said("/delivery")
    item = server.purchase(str(made["id"]))
    assert item["outcomes"][0]["state"] == "delivered"
    assert item["event_id"] == letter["event_id"]
    assert _letters(server) == []
    assert server.get("/api/v1/ledger")["balanced"]


def test_a_test_event_is_taken_and_shows_at_the_platform_under_its_code(page: Session) -> None:
    assert page.send("/delivery/test", code="TEST77").status == 303
    assert "took the test event" in page.said()

    def look() -> list[dict[str, Any]]:
        tables = page.server.get("/events.json?code=TEST77")["tables"]
        return tables[1]["rows"]  # type: ignore[no-any-return]

    assert wait_for(look)[0]["code"] == "TEST77"
    assert page.send("/delivery/test", code="<script>").status == 303
    assert "Test Events tab" in page.said()


def test_a_spend_file_is_looked_at_before_it_counts_and_bad_rows_are_named(page: Session) -> None:
    assert page.send("/spend/preview", page="/spend", file=BAD).status == 303
    text = page.text("/spend")
    assert "1 row is wrong" in text
    assert "lots" in text
    assert "/spend/import" not in text
    page.send("/spend/preview", page="/spend", file=GOOD)
    text = page.text("/spend")
    assert "Every row can be read" in text
    assert page.server.get("/spend.json")["tables"][2]["rows"] == []
    page.send("/spend/import", page="/spend")
    assert "1 rows of spend.csv count now" in page.said("/spend")
    known = page.server.get("/spend.json")["tables"][0]["rows"]
    assert [(row["platform"], row["spend"]) for row in known] == [("meta", "12.50")]
    page.send("/spend/import", page="/spend")
    assert "no file waits" in page.said("/spend")


def test_columns_of_a_file_are_named_by_hand_and_then_it_fits(page: Session) -> None:
    text = "Tag;Kosten;Kampagne\n20/11/2026;12,50;Frühling\n"
    given = {"file": text, "platform": "meta", "date_format": "%d/%m/%Y"}
    page.send("/spend/preview", page="/spend", **given)
    assert "no heading line with a day and a spend column" in page.text("/spend")
    page.send("/spend/map", page="/spend", **{"map.day": "Tag", "map.spend": "Kosten"})
    preview = page.server.get("/spend.json")["preview"]
    assert (preview["fits"], preview["spend"]) == (True, [{"currency": "USD", "amount": "12.50"}])
    assert {c["field"]: c["heading"] for c in preview["columns"] if c["heading"]} == {
        "day": "Tag",
        "spend": "Kosten",
    }
    page.send("/spend/map", page="/spend", **{"map.nonsense": "Tag"})
    assert "there is no field" in page.said("/spend")
    named = {"map.day": "Tag", "map.spend": "Kosten", "map.campaign": "Kampagne"}
    page.send("/spend/map", page="/spend", **named)
    (row,) = page.server.get("/spend.json")["tables"][1]["rows"]
    assert (row["day"], row["campaign"], row["spend"]) == ("2026-11-20", "Frühling", "12.50")
    page.send("/spend/discard", page="/spend")
    page.send("/spend/map", page="/spend", **named)
    assert "no file waits" in page.said("/spend")


def test_a_span_of_time_is_looked_at_and_then_goes_again(page: Session) -> None:
    server = page.server
    began = iso(1)
    made = order(6011)
    assert server.webhook(made).status == 200
    server.purchase(str(made["id"]))
    refuse(server, str(made["id"]))
    span = {"begin": began, "end": iso(-60)}
    dry = page.text(f"/replay?{urlencode(span)}")
    assert "1 of 1 would go again" in dry
    assert "None would differ" in dry
    assert server.get("/api/v1/dead-letters")["items"]
    page.send("/replay/send", back="/replay", **span)
    assert "1 delivery goes again, with the same id" in page.said("/replay")
    assert server.purchase(str(made["id"]))["outcomes"][0]["state"] == "delivered"
    found = server.get(f"/replay.json?{urlencode({**span, 'delivered': '1'})}")
    assert (found["events"], found["would_send"]) == (1, 1)
    assert "it must be later" in page.text(f"/replay?{urlencode({**span, 'end': began})}")
    assert "is no time" in page.text("/replay?begin=soon&end=later")
    assert "replayed a span" in page.text("/audit")


def test_the_breaker_of_each_destination_stands_beside_its_ledger(page: Session) -> None:
    (row,) = page.server.get("/delivery.json?table=destinations")["rows"]
    assert row["breaker"] == "closed"


def test_one_event_opens_with_its_payload_and_no_identifier_in_the_clear(page: Session) -> None:
    assert page.server.webhook(order(6005)).status == 200
    page.server.purchase(str(order(6005)["id"]))
    (row,) = page.server.get(f"/events.json?q={order(6005)['id']}")["tables"][0]["rows"]
    text = page.text(row["href"])
    assert "Payload, as it is sent" in text
    assert row["event_id"] in text
    assert "mail.example" not in text.lower()
    assert page.get("/event?id=999999").status == 400


def _foreign(page: Session) -> list[tuple[str, Callable[[], Any]]]:
    form = {"csrf": page.proof(), "shop": "demo", "back": "/events", "code": "TEST1"}
    bare = {k: v for k, v in form.items() if k != "csrf"}
    return [
        ("no proof", lambda: page.post("/delivery/test", bare)),
        ("a made-up proof", lambda: page.post("/delivery/test", {**form, "csrf": "aa.bb"})),
        ("another origin", lambda: page.post("/delivery/test", form, origin="https://evil.test")),
        (
            "another site",
            lambda: page.post("/delivery/test", form, sec_fetch_site="cross-site"),
        ),
        ("another shop", lambda: page.post("/delivery/test", {**form, "shop": "other"})),
    ]


def test_a_form_of_another_page_does_nothing(page: Session) -> None:
    for name, send in _foreign(page):
        assert send().status == 403, name
    assert page.send("/delivery/retry", back="https://evil.test/").headers["location"] == "/"
    long = {"csrf": page.proof(), "shop": "demo", "code": "x" * 100_000}
    assert page.post("/delivery/test", long).status == 413


def test_the_door_reads_no_long_form_and_says_when_to_come_again(page: Session) -> None:
    server = page.server
    assert sign_in(server, "x" * 100_000).status == 401
    for _ in range(5):
        assert sign_in(server, "wrong wrong wrong", "mallory").status == 401
    told = sign_in(server, "wrong wrong wrong", "mallory")
    assert (told.status, b"Try again in 15 minutes" in told.body) == (429, True)
    assert sign_in(server, server.secrets["admin_password"]).status == 303


def test_what_was_done_stands_in_the_log_and_a_change_of_it_shows(page: Session) -> None:
    page.send("/delivery/test", code="TEST1")
    text = page.text("/audit")
    for what in ("signed in", "sent a test event", "The chain is whole"):
        assert what in text
    database = sqlite3.connect(page.server.data / "accounts.db")
    with database:
        database.execute("UPDATE audit SET who = 'nobody' WHERE id = 2")
    database.close()
    assert "Line 2 was changed" in page.text("/audit")
