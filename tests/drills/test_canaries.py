"""Planted identifiers and secrets run through everything; then no byte of them is anywhere.

Ten people with an e-mail, a phone, a name and a street of their own, and the tokens of every
door, go in by every way in: webhooks of three shop systems, server events, beacons, the
receiver's edge and its pixel, with good bodies and broken ones, under wrong tokens, through
refusals of the platform. Then every file that the server left, its output, its metrics and
all that its API answers is searched, also for the URL-encoded and the base64 form.

One answer is meant to show what came in: a kept call of the receiver, to whoever holds the
receiver's token. It rests sealed, for seven days at most.
"""

import base64
import gzip
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.live import BROWSER, DATASET, Live
from tests.merchants import fresh_woo_order, session, stripe_event, stripe_signature, woo_signature
from tests.orders import order

PEOPLE = range(10)
TOKENS = [f"EAAcanary{number}TokenOfNobody" for number in PEOPLE]


def _email(number: int) -> str:
    return f"canary.bird{number}@cage-of-{number}.example"


def _phone(number: int) -> str:
    return f"+1208555{7300 + number}"


def _name(number: int) -> str:
    return f"Zyxcanary{number}"


def _street(number: int) -> str:
    return f"{number} Quuxcanary Lane"


CANARIES = [make(n) for n in PEOPLE for make in (_email, _phone, _name, _street)] + TOKENS


def _raw_user(number: int) -> dict[str, Any]:
    return {"em": _email(number), "ph": _phone(number), "fn": _name(number), "ln": _name(number)}


def _shopify(number: int) -> dict[str, Any]:
    address = {
        "first_name": _name(number),
        "last_name": _name(number),
        "address1": _street(number),
        "city": "Boise",
        "zip": "83702",
        "country_code": "US",
        "phone": _phone(number),
    }
    return order(
        8000 + number,
        email=_email(number),
        phone=_phone(number),
        billing_address=address,
        shipping_address=address,
        customer={"id": 9000 + number, "email": _email(number), "first_name": _name(number)},
        landing_site=f"/?utm_source=facebook&email={_email(number)}&token={TOKENS[number]}",
        referring_site=f"https://www.facebook.com/?phone={_phone(number)}",
        note=_street(number),
    )


def _through_webhooks(server: Live, number: int) -> None:
    body = json.dumps(_shopify(number)).encode()
    assert server.signed(body).status == 200
    assert server.signed(body[:-20]).status == 200  # broken, kept sealed
    assert server.signed(body, secret=TOKENS[number]).status == 401
    assert server.signed(body, "refunds/create").status == 200
    secret = server.secrets["webhook_secret"]
    woo = json.dumps(fresh_woo_order(id=700 + number, billing={"email": _email(number)})).encode()
    server.ask(
        "POST",
        "/webhooks/woocommerce/demo",
        woo,
        x_wc_webhook_topic="order.created",
        x_wc_webhook_source="https://demo-shop.myshopify.com/",
        x_wc_webhook_signature=woo_signature(secret, woo),
    )
    paid = session(id=f"cs_{number}", customer_details={"email": _email(number)})
    stripe = json.dumps(stripe_event("checkout.session.completed", paid)).encode()
    signature = stripe_signature(secret, stripe, int(time.time()))
    server.ask("POST", "/webhooks/stripe/demo", stripe, stripe_signature=signature)


def _through_events(server: Live, number: int) -> None:
    event = {
        "event_name": "Purchase",
        "event_id": f"canary-{number}",
        "action_source": "website",
        "event_source_url": f"https://demo-shop.myshopify.com/?email={_email(number)}",
        "user_data": {**_raw_user(number), "client_user_agent": BROWSER},
        "custom_data": {"value": 5, "currency": "USD"},
    }
    assert server.post("/events/demo", event).status == 200
    server.post("/events/demo", {**event, "event_name": ""})
    server.post("/events/demo", {**event, "custom_data": {"value": _email(number)}})
    bearer = f"Bearer {TOKENS[number]}"
    assert server.ask("POST", "/events/demo", b"{}", authorization=bearer).status == 401
    server.ask("GET", f"/api/v1/events?access_token={TOKENS[number]}", authorization=bearer)
    server.ask("GET", f"/nothing/{quote(_email(number))}")


def _through_pages(server: Live, number: int) -> None:
    page = f"https://demo-shop.myshopify.com/?e={quote(_email(number))}&utm_source=facebook"
    event = {
        "event_name": "Lead",
        "event_id": f"page-{number}",
        "event_time": time.time(),
        "event_source_url": page,
        "referrer_url": f"https://google.com/?q={_phone(number)}",
        "user_data": _raw_user(number),
        "visitor_id": f"v{number}",
    }
    assert server.beacon(event).status == 204
    server.ask("POST", "/px/demo", json.dumps({"events": [event]}).encode()[:-9])
    server.ask(
        "GET",
        f"/tr?id={DATASET}&ev=Lead&ud%5Bem%5D={quote(_email(number))}&dl={quote(page)}",
        user_agent=BROWSER,
    )


def _through_the_receiver(server: Live, number: int) -> None:
    event = {
        "event_name": "Purchase",
        "event_time": int(time.time()),
        "action_source": "website",
        "event_source_url": "https://demo-shop.myshopify.com/",
        "user_data": {**_raw_user(number), "client_user_agent": BROWSER},
        "custom_data": {"value": 5, "currency": "USD"},
    }
    edge = f"/v26.0/{DATASET}/events"
    for token in (server.secrets["access_token"], TOKENS[number]):
        body = json.dumps({"data": [event], "access_token": token}).encode()
        server.ask("POST", edge, body, content_type="application/json")
        server.ask("POST", f"{edge}?access_token={token}", body[:-3])
        zipped = gzip.compress(body)
        server.ask("POST", edge, zipped, content_encoding="gzip", content_type="application/json")
    server.post("/receiver/people", {"people": [_raw_user(number)]}, "receiver_token")


def _answers(server: Live) -> Iterator[tuple[str, bytes]]:
    """All that the server tells, by the path that tells it."""
    document = server.ask("GET", "/openapi.json").json()["paths"]
    bearers = (server.secrets["server_key"], server.secrets["receiver_token"])
    for path, methods in document.items():
        if "get" not in methods or path == "/receiver/requests/{number}":
            continue
        for name in ("orders", "journeys", "coverage", "utm") if "{name}" in path else ("1",):
            url = path.replace("{name}", name).replace("{number}", "1")
            for bearer in bearers:
                yield url, server.ask("GET", url, authorization=f"Bearer {bearer}").body


def _forms(canary: str) -> set[bytes]:
    """The canary as it stands, URL-encoded, in capitals, and inside base64."""
    plain = {canary, canary.lower(), canary.upper(), quote(canary), quote(canary, safe="")}
    inside = [base64.b64encode(b"x" * shift + canary.encode())[4:-4] for shift in range(3)]
    return {text.encode() for text in plain} | {text for text in inside if len(text) > 9}


def _found(where: str, content: bytes, wanted: dict[bytes, str]) -> list[str]:
    return [f"{canary} in {where}" for form, canary in wanted.items() if form in content]


def test_no_planted_identifier_and_no_token_is_anywhere(
    start_server: Callable[..., Live], tmp_path: Path
) -> None:
    server = start_server()
    for number in PEOPLE:
        _through_webhooks(server, number)
        _through_events(server, number)
        _through_pages(server, number)
        _through_the_receiver(server, number)
    server.purchase(str(order(8000)["id"]))
    told = dict(_answers(server))
    server.process.send_signal(signal.SIGTERM)
    output, _ = server.process.communicate(timeout=20)
    assert told["/metrics"]
    wanted = {form: canary for canary in CANARIES for form in _forms(canary)}
    wanted |= {secret.encode(): f"the {name}" for name, secret in server.secrets.items()}
    files = [p for p in tmp_path.rglob("*") if p.is_file() and p.name != "dev-secrets.json"]
    assert {"tillpost.db", "receiver.db"} <= {path.name for path in files}
    places = {**{str(p): p.read_bytes() for p in files}, "the output": output, **told}
    hits = [hit for where, content in places.items() for hit in _found(where, content, wanted)]
    assert not hits, hits[:20]
