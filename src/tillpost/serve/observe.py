"""What the process says of itself: JSON lines on standard error, redacted where they leave.

Whatever a caller puts into a log, the last step before the line is written takes out what
could be a person or a secret: e-mail addresses, phone numbers, tokens, hashes, and every
secret of the settings. Each request has an id; the answer carries it, and so does every line
that is written while it is handled.
"""

import re
import secrets
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from itertools import count
from typing import Any

import msgspec
import structlog

from tillpost.serve.http.exchange import Receive, Scope, Send
from tillpost.serve.settings import SECRET_KEYS, Settings

HIDDEN = "[hidden]"
_SHORTEST_SECRET = 8
_PATTERNS = re.compile(
    r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+"  # an e-mail address
    r"|\+\d[\d ().-]{6,}\d"  # a phone number with its country code
    r"|\bEA[A-Za-z0-9]{20,}"  # a token of Meta's
    r"|\b(?:whsec_|tp_|tr_|shpat_|sk_live_|rk_live_)[\w+/=-]{8,}"
    r"|(?i:bearer) +[\w.~+/=-]+"
    r"|(?i:(?:access_token|appsecret_proof|password|secret)[\\\"' ]*[=:][\\\"' ]*)[^\s\\\"'&,}]+"
    r"|\b[0-9a-fA-F]{64}\b"  # a hashed identifier
)
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

App = Callable[[Scope, Receive, Send], Awaitable[None]]


def configure(settings: Settings, write: Callable[[str], Any] | None = None) -> None:
    """Log JSON lines through `write` (standard error), with these settings' secrets hidden."""
    redact = Redactor(_secrets(msgspec.to_builtins(settings)))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
            lambda _logger, _name, line: redact(str(line)),
        ],
        logger_factory=lambda *_: _Lines(write or _to_standard_error),
        cache_logger_on_first_use=False,
    )


class Redactor:
    """Takes out of a text what may be a person or a secret; `secrets` are taken out literally."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({re.escape(s) for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len)
        self._known = re.compile("|".join(reversed(known))) if known else None

    def __call__(self, text: str) -> str:
        """The text that may leave the process."""
        plain = text if self._known is None else self._known.sub(HIDDEN, text)
        return _PATTERNS.sub(HIDDEN, plain)


class Observed:
    """An application whose every request has an id: the caller's own, or a new one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._start = secrets.token_hex(6)
        self._numbers = count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = self._id(scope)
        header = (b"x-request-id", number.encode())

        async def told(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=number):
            await self._app(scope, receive, told)

    def _id(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _GOOD_ID.fullmatch(value.decode("latin-1")):
                return str(value.decode("latin-1"))
        return f"{self._start}-{next(self._numbers):x}"


def request_id() -> str | None:
    """The id of the request that is being handled."""
    found: str | None = structlog.contextvars.get_contextvars().get("request_id")
    return found


def _to_standard_error(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class _Lines:
    """A logger that writes whole lines; a closed pipe stops no work."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write

    def msg(self, line: str) -> None:
        try:
            self._write(line)
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = msg


def _secrets(value: Any, *, hidden: bool = False) -> Iterator[str]:
    """Every text under a secret key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets(inner, hidden=hidden or key in SECRET_KEYS)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _secrets(inner, hidden=hidden)
    elif hidden and isinstance(value, str):
        yield value
