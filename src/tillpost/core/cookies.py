"""The pixel's cookies in a server's answer, since what a script wrote does not last.

Safari keeps a cookie that a script wrote for seven days at most, and for one day after a
landing with a click id; one that the shop's own server sets lives as long as it says. So
the script makes the cookies and the answer to its beacon sets the very same ones again:
nothing is made here, and both can never make `_fbp` (domain rule 16).
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from tillpost.core import click

VISITOR_AGE = 400 * 86_400
"""Seconds that the visitor's id is kept: the longest that browsers allow."""

_VISITOR = re.compile(r"[A-Za-z0-9_-]{8,64}")


def renewed(headers: Mapping[str, str], now: float) -> tuple[str, ...]:
    """`Set-Cookie` values for the answer to a beacon; header names are lower case.

    None where page and server share no registrable domain: the browser would refuse them,
    or keep them as a third party's. A cookie that is malformed, or of a click older than
    90 days, is left to end. `now` in Unix seconds.

    A proxy may put its own name for the server in `Host` and the public one beside it. That
    anyone may write, and nobody gains by it: a browser asks whom it called before it obeys.
    """
    domain = click.registrable_domain(_host(headers.get("origin", "")))
    named = (headers.get("host", ""), headers.get("x-forwarded-host", ""))
    if domain is None or domain not in {click.registrable_domain(_host(f"//{n}")) for n in named}:
        return ()
    given = _parsed(headers.get("cookie", ""))
    kept = {name: (value, _age(name, value, now)) for name, value in given.items()}
    return tuple(
        f"{name}={value}; Domain={domain}; Path=/; Max-Age={age}; Secure; SameSite=Lax"
        for name, (value, age) in kept.items()
        if age > 0
    )


def _age(name: str, value: str, now: float) -> int:
    """Seconds that a cookie may live on; 0 for one that is not ours or not well-formed."""
    if name == "_tp_vid" and _VISITOR.fullmatch(value):
        return VISITOR_AGE
    cookie = click.parse(value)
    if name == "_fbp" and cookie:
        return click.MAX_AGE
    if name == "_fbc" and cookie:
        return min(click.MAX_AGE, int(cookie.created / 1000 + click.MAX_AGE - now))
    return 0


def _parsed(header: str) -> dict[str, str]:
    pairs = (pair.strip().partition("=") for pair in header.split(";"))
    return {name: value for name, _, value in pairs}


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
