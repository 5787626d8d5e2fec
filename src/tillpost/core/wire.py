"""Plain values for one HTTP exchange, so that no rule and no adapter needs an HTTP library."""

from collections.abc import Mapping
from typing import NamedTuple

CLIENT_IP = ":client-ip"
"""Pseudo header: the shopper's public address, as the server's edge determined it."""

RECEIVED_AT = ":received-at"
"""Pseudo header: when the server received the request, Unix seconds. No client can send it."""


class Request(NamedTuple):
    """A request as bytes and plain strings; header names are lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class Response(NamedTuple):
    """An answer as bytes and plain strings; header names are lower case.

    `cookies` are whole `set-cookie` values, the one header that may stand several times.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    cookies: tuple[str, ...] = ()
