"""Several shops in one dashboard, kept apart: whoever sees one tries to cross to the other."""

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from tests.acceptance.test_two_shops import shops as _shops
from tests.live import Live, wait_for
from tests.signed import FORM, Session, session_of, sign_in

from tillpost.serve.keeper import FIRST_FILE
from tillpost.serve.screens.catalog import SCREENS

shops = _shops
GOOD = "a heron reads slowly"


@pytest.fixture
def first(shops: dict[str, Live]) -> Session:
    """The first owner, by the one-time link."""
    server = shops["a"]
    token = (server.data / FIRST_FILE).read_text()
    assert server.ask("GET", "/").headers["location"] == "/login"
    assert server.ask("GET", "/first?token=wrong").status == 404
    form = urlencode({"username": "ada", "password": GOOD}).encode()
    path = f"/first?token={quote(token)}"
    assert b"works once" in server.ask("GET", path).body
    reply = server.ask("POST", path, form, content_type=FORM, origin=server.url)
    assert server.ask("GET", path).status == 404
    return session_of(reply, server)


def reader(first: Session) -> Session:
    """Somebody with a read-only link to shop `a`."""
    proof = first.proof("/people?shop=a")
    form = {"csrf": proof, "shop": "a", "back": "/people?shop=a", "label": "Client"}
    assert first.post("/people/link", form).status == 303
    url = first.said("/people?shop=a").split()[-1]
    reply = first.server.ask("GET", url.removeprefix(first.server.url))
    return session_of(reply, first.server)


def test_a_reader_of_one_shop_reads_nothing_of_the_other_and_changes_nothing(
    first: Session, shops: dict[str, Live]
) -> None:
    for name, shop in shops.items():
        lead = {"event_name": "Lead", "event_id": f"lead-of-{name}", "user_data": {"em": "x@y.zz"}}
        assert shop.post(f"/events/{name}", lead).status == 200
    wait_for(lambda: shops["b"].get("/api/v1/events")["items"])
    client = reader(first)
    for screen in SCREENS:
        for path in (f"{screen.path}?shop=b", f"{screen.path}.json?shop=b"):
            assert client.get(path).status in {400, 401, 403}, path
        for path in (screen.path, f"{screen.path}.json"):
            assert b"lead-of-b" not in client.get(path).body, path
    assert "lead-of-a" in client.text("/events")
    assert client.get("/summary.json?shop=b").status == 400
    assert client.get("/api/v1/reports/orders?shop=b").status == 400
    assert {i["shop"] for i in client.get("/api/v1/events").json()["items"]} == {"a"}
    for item in client.get("/api/v1/receiver/events").json()["items"]:
        assert item["dataset_id"] == "1"
    number = next(i["id"] for i in shops["b"].get("/api/v1/events")["items"])
    assert client.get(f"/event?id={number}").status == 400
    for path in ("/people", "/audit", "/setup", "/replay"):
        assert client.get(path).status == 403
    _changes_nothing(client)


def _changes_nothing(client: Session) -> None:
    for path in (
        "/delivery/retry-all", "/delivery/test", "/replay/send", "/spend/preview", "/spend/map",
        "/people/add",
    ):  # fmt: skip
        for shop in ("a", "b"):
            form = {"csrf": "none.such", "shop": shop, "back": "/", "code": "T1", "name": "eve"}
            assert client.post(path, form).status == 403, path
    spend = client.server.ask("POST", "/api/v1/spend/a", b"x", cookie=client.cookie)
    assert spend.status == 401


def test_a_user_signs_in_by_name_and_an_analyst_may_import_only(first: Session) -> None:
    server = first.server
    form: dict[str, Any] = {
        "csrf": first.proof("/people?shop=a"), "shop": "a", "back": "/people?shop=a",
        "name": "bo", "password": "an otter swims at dusk", "role": "analyst", "sees": "b",
    }  # fmt: skip
    assert first.post("/people/add", form).status == 303
    assert "bo can sign in now" in first.said("/people?shop=a")
    body = urlencode({"username": "bo", "password": form["password"]}).encode()
    reply = server.ask("POST", "/login", body, content_type=FORM, origin=server.url)
    analyst = session_of(reply, server)
    assert "/spend/preview" in analyst.text("/spend")
    assert analyst.get("/spend?shop=a").status == 400
    assert analyst.get("/people").status == 403
    assert "Send a test event" not in analyst.text("/events")
    form = {"csrf": analyst.proof("/spend"), "shop": "b", "back": "/"}
    assert analyst.post("/delivery/retry-all", form).status == 403
    assert analyst.post("/spend/discard", {**form, "shop": "a"}).status == 403
    assert analyst.post("/spend/discard", form).status == 303
    assert analyst.text("/portfolio").count('<th scope="row">') == 1


def test_who_knows_the_present_password_changes_it_and_other_sessions_end(first: Session) -> None:
    server = first.server
    page = "/password?shop=a"
    other = session_of(sign_in(server, GOOD, "ada"), server)

    def change(old: str, new: str, again: str) -> str:
        form = {"csrf": first.proof(page), "shop": "a", "back": page}
        reply = first.post("/password/change", {**form, "old": old, "new": new, "again": again})
        assert reply.status == 303
        return first.said(page)

    better = "an otter swims at dusk"
    assert "not typed the same twice" in change(GOOD, better, f"{better}!")
    assert "present one is wrong" in change("a heron reads fast", better, better)
    assert "at least 12" in change(GOOD, "short", "short")
    assert "The password is changed" in change(GOOD, better, better)
    assert other.get("/").status == 303
    assert sign_in(server, GOOD, "ada").status == 401
    assert sign_in(server, better, "ada").status == 303


def test_what_the_platform_got_of_one_shop_counts_for_no_other(
    first: Session, shops: dict[str, Live]
) -> None:
    sale = {
        "event_name": "Purchase", "event_id": "sale-of-b", "user_data": {"em": "x@y.zz"},
        "custom_data": {"value": 5, "currency": "EUR"},
    }  # fmt: skip
    assert shops["b"].post("/events/b", sale).status == 200

    def doubled(shop: str) -> Any:
        return first.get(f"/summary.json?shop={shop}").json()["sightings"]["doubled"]

    wait_for(lambda: doubled("b") == 0)
    assert doubled("a") is None
