"""Cookies that a script made are set again by the server, where the server may."""

import pytest

from tillpost.core import cookies

NOW = 1_790_000_000
DAY = 86_400
VISITOR = "_tp_vid=123456789012345"
FBP = f"_fbp=fb.1.{(NOW - 40 * DAY) * 1000}.1116446470"
FBC = f"_fbc=fb.1.{(NOW - 40 * DAY) * 1000}.IwAR0aB-c_D"


def _renewed(
    cookie: str, origin: str = "https://www.acme.co.uk", host: str = "tp.acme.co.uk"
) -> tuple[str, ...]:
    headers = {"origin": origin, "host": host, "cookie": cookie}
    return cookies.renewed(headers, NOW)


def test_the_same_values_live_longer_on_the_shops_domain() -> None:
    common = "; Domain=acme.co.uk; Path=/; Max-Age="
    assert _renewed(f"{VISITOR}; {FBP}; cart=c1; {FBC}") == (
        f"{VISITOR}{common}{400 * DAY}; Secure; SameSite=Lax",
        f"{FBP}{common}{90 * DAY}; Secure; SameSite=Lax",
        f"{FBC}{common}{50 * DAY}; Secure; SameSite=Lax",
    )


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://www.acme.co.uk", "tp.tillpost.example"),
        ("https://www.acme.co.uk", "other.co.uk"),
        ("https://a.myshopify.com", "b.myshopify.com"),
        ("null", "tp.acme.co.uk"),
        ("", "tp.acme.co.uk"),
        ("https://[", "tp.acme.co.uk"),
        ("http://127.0.0.1:8484", "127.0.0.1:8484"),
        ("http://localhost", "localhost"),
    ],
)
def test_only_for_the_shops_own_domain(origin: str, host: str) -> None:
    assert _renewed(VISITOR, origin, host) == ()


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "_tp_vid=",
        "_tp_vid=a b; _fbp=junk",
        "_tp_vid=12345678\r\nX: y",
        f"_fbc=fb.1.{(NOW - 91 * DAY) * 1000}.IwAR0aB-c_D",
        "_fbi=fb.1.1790000000000.1",
        "session=secret",
    ],
)
def test_nothing_else_is_ever_set(cookie: str) -> None:
    assert _renewed(cookie) == ()


@pytest.mark.parametrize(("public", "count"), [("tp.acme.co.uk", 1), ("tp.other.co.uk", 0)])
def test_behind_a_proxy_the_public_name_counts(public: str, count: int) -> None:
    headers = {"origin": "https://www.acme.co.uk", "host": "127.0.0.1:8484", "cookie": VISITOR}
    assert len(cookies.renewed({**headers, "x-forwarded-host": public}, NOW)) == count


def test_a_port_is_no_part_of_the_domain() -> None:
    (kept,) = _renewed(VISITOR, "https://acme.co.uk:8443", "tp.acme.co.uk:8444")
    assert "Domain=acme.co.uk;" in kept
