"""Whose address a request came from, through proxies that are believed and others."""

import ipaddress

import pytest

from tillpost.serve.http.exchange import client_ip

TRUSTED = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "shopper"),
    [
        ("8.8.8.8", None, "8.8.8.8"),
        ("::ffff:8.8.8.8", None, "8.8.8.8"),
        ("127.0.0.1", "8.8.8.8", "8.8.8.8"),
        ("::ffff:127.0.0.1", "8.8.8.8", "8.8.8.8"),
        ("127.0.0.1", "1.1.1.1, ::ffff:8.8.8.8, ::ffff:10.0.0.2", "8.8.8.8"),
        ("127.0.0.1", "2001:4860:4860::8888", "2001:4860:4860::8888"),
        ("127.0.0.1", None, None),
        ("127.0.0.1", "unknown", None),
        ("8.8.8.8", "1.1.1.1", "8.8.8.8"),
    ],
)
def test_the_shoppers_own_address(peer: str, forwarded: str | None, shopper: str | None) -> None:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    assert client_ip(peer, headers, TRUSTED) == shopper
