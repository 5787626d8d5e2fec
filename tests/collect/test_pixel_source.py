"""What is believed of a browser: never money, never identity, never a time to come."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.collect.sources import pixel
from tillpost.core import wire
from tillpost.core.event import BrowserSeen, Raw
from tillpost.core.outcome import Rejection
from tillpost.core.wire import Request

NOW = 1_790_000_000
SETTINGS = pixel.Settings(frozenset({"https://shop.example"}), "US")


def _parse(body: Any, **headers: str) -> list[tuple[BrowserSeen, Raw]]:
    found = pixel.parse(_request(json.dumps(body).encode(), **headers), SETTINGS)
    assert isinstance(found, list), found
    return [(p.fact, p.raw) for p in found if isinstance(p.fact, BrowserSeen)]


def _request(body: bytes, **headers: str) -> Request:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    base = {wire.RECEIVED_AT: str(NOW), wire.CLIENT_IP: "8.8.4.4", "user-agent": "Mozilla/5.0"}
    return Request("POST", "/px/demo", {**base, **given}, body)


def _one(**event: Any) -> tuple[BrowserSeen, Raw]:
    (only,) = _parse({"events": [{"event_name": "PageView", **event}]})
    return only


@pytest.mark.parametrize(
    ("origin", "good"),
    [
        ("https://shop.example", True),
        ("null", True),
        (None, True),
        ("https://evil.example", False),
        ("http://shop.example", False),
    ],
)
def test_only_the_shop_s_own_pages_are_heard(origin: str | None, *, good: bool) -> None:
    headers = {} if origin is None else {"origin": origin}
    verdict = pixel.verify(_request(b"", **headers), SETTINGS)
    assert (verdict is None) is good
    if verdict is not None:
        assert verdict.status == 403


@pytest.mark.parametrize(
    ("at", "sent_at", "expected"),
    [
        (NOW - 30, None, NOW - 30),
        (NOW + 86_400, None, NOW),
        (NOW - 30 * 86_400, None, NOW - 7 * 86_400),
        (None, None, NOW),
        (NOW + 86_400 - 30, NOW + 86_400, NOW - 30),
        (NOW - 86_400 - 30, NOW - 86_400, NOW - 30),
        (NOW - 90, NOW - 60, NOW - 90),
    ],
)
def test_a_browser_s_clock_is_corrected(at: int | None, sent_at: int | None, expected: int) -> None:
    body = {"events": [{"event_name": "PageView", "event_time": at}], "sent_at": sent_at}
    ((seen, _),) = _parse(body)
    assert seen.event_time == expected


def test_the_address_is_the_edge_s_and_the_agent_the_request_s() -> None:
    seen, _ = _one(user_data={"client_ip_address": "9.9.9.9", "client_user_agent": "x"})
    assert (seen.device.client_ip_address, seen.device.client_user_agent) == (
        "8.8.4.4",
        "Mozilla/5.0",
    )


def test_urls_lose_what_is_not_on_the_list() -> None:
    seen, _ = _one(event_source_url="https://shop.example/a?utm_source=x&email=e@x.example#top")
    assert seen.event_source_url is not None
    assert "e@x.example" not in seen.event_source_url
    assert "utm_source=x" in seen.event_source_url


def test_raw_identifiers_stay_beside_the_fact() -> None:
    seen, raw = _one(user_data={"em": ["e@x.example"], "ph": "1", "unknown": "y", "fn": None})
    assert raw == {"em": ("e@x.example",), "ph": ("1",)}
    assert seen.person.keys == {}


@pytest.mark.parametrize("cookie", ["", "nonsense", "fb.1.x.y", "fb.1.1700000000000."])
def test_a_cookie_that_is_none_is_left_out(cookie: str) -> None:
    seen, _ = _one(fbp=cookie, fbc=cookie)
    assert (seen.person.fbp, seen.person.fbc) == (None, None)


@pytest.mark.parametrize(
    ("given_consent", "expected"),
    [
        (None, None),
        ({}, None),
        ({"marketing": None}, None),
        ({"marketing": "yes"}, None),
        ({"marketing": False}, False),
        ({"marketing": True, "analytics": False}, True),
    ],
)
def test_the_banner_s_answer(given_consent: Any, *, expected: bool | None) -> None:
    seen, _ = _one(consent=given_consent)
    assert (seen.consent.marketing if seen.consent else None) is expected


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 11) Chrome/138.0 Mobile Safari/537.36 Chrome-Lighthouse",
        "facebookexternalhit/1.1",
        "GPTBot/1.2",
        "WhatsApp/2.23.20",
        "curl/8.5.0",
        "python-requests/2.32",
    ],
)
def test_bots_are_known_by_their_names(agent: str) -> None:
    ((seen, _),) = _parse({"events": [{"event_name": "PageView"}]}, user_agent=agent)
    assert seen.bot


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/120.0 Mobile Safari",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Mobile/15E148 [FBAN/FBIOS;FBAV/522.0.0.31]",
        "Mozilla/5.0 (Linux; Android 13; SM-G991B) Chrome/120 Mobile Safari/537.36 Instagram 310.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Mobile/15E148 [Pinterest/iOS]",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:120.0) Gecko/20100101 Firefox/120.0",
        "",
    ],
)
def test_shoppers_are_no_bots(agent: str) -> None:
    ((seen, _),) = _parse({"events": [{"event_name": "PageView"}]}, user_agent=agent)
    assert not seen.bot


def test_the_browsers_own_opt_out_beats_the_banner() -> None:
    told = {"events": [{"event_name": "PageView", "consent": {"sale_of_data": True}}]}
    ((seen, _),) = _parse(told, sec_gpc="1")
    assert seen.consent is not None
    assert seen.consent.sale_of_data is False


def test_an_event_without_an_id_gets_the_same_one_again() -> None:
    first, again = (
        _one(visitor_id="v", event_time=NOW - 5),
        _one(visitor_id="v", event_time=NOW - 5),
    )
    assert first[0].event_id == again[0].event_id


def test_unknown_words_of_direct_are_unknown() -> None:
    assert _one(direct="maybe")[0].direct == "unknown"
    assert _one(direct="sent")[0].direct == "sent"


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"events": {}}', b'{"events": [{}]}', b"\xff", b"[" * 5000],
)
def test_what_is_no_beacon_is_told(body: bytes) -> None:
    found = pixel.parse(_request(body), SETTINGS)
    assert isinstance(found, Rejection)
    assert (found.status, found.keep) == (400, False)


def test_too_many_events_are_told() -> None:
    body = json.dumps({"events": [{"event_name": "PageView"}] * 101}).encode()
    found = pixel.parse(_request(body), SETTINGS)
    assert isinstance(found, Rejection)
    assert "100" in found.detail


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
FIELDS = [
    "event_id",
    "event_time",
    "custom_data",
    "user_data",
    "fbp",
    "consent",
    "direct",
    "visitor_id",
]


@given(st.sampled_from(FIELDS), values)
def test_any_value_in_any_field_is_an_event_or_a_reason(name: str, value: Any) -> None:
    body = json.dumps({"events": [{"event_name": "PageView", name: value}]}).encode()
    found = pixel.parse(_request(body), SETTINGS)
    assert isinstance(found, list | Rejection)


def test_the_browsers_memory_of_earlier_landings_comes_with_the_first_event() -> None:
    first = {
        "url": "https://shop.example/?utm_source=a&e=x%40y.example",
        "time": (NOW - 9e4) * 1000,
    }
    last = {"url": "https://shop.example/?fbclid=b", "referrer": "https://n.example/?q=s"}
    beacon = {
        "events": [{"event_name": "PageView"}, {"event_name": "ViewContent"}],
        "first": first,
        "last": {**last, "time": (NOW - 7200) * 1000},
    }
    (one, _), (two, _) = _parse(beacon)
    assert [(landing.at, landing.url, landing.referrer_url) for landing in one.landings] == [
        (NOW - 90_000, "https://shop.example/?utm_source=a", None),
        (NOW - 7200, "https://shop.example/?fbclid=b", "https://n.example/"),
    ]
    assert two.landings == ()


@pytest.mark.parametrize(
    "told",
    [
        None,
        5,
        {},
        {"url": 7, "time": 1},
        {"url": "https://shop.example/", "time": "yesterday"},
        {"url": "https://shop.example/?utm_source=a", "time": (NOW - 60) * 1000},
        {"url": "https://shop.example/?utm_source=a", "time": (NOW + 86_400) * 1000},
        {"url": "https://shop.example/?utm_source=a", "time": 0},
        {"url": "https://shop.example/?utm_source=a", "time": 10**40},
    ],
)
def test_this_visits_landing_and_nonsense_are_no_memory(told: Any) -> None:
    ((seen, _),) = _parse({"events": [{"event_name": "PageView"}], "first": told})
    assert seen.landings == ()
