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
from contextvars import ContextVar
from itertools import count
from typing import Any

import msgspec
import structlog

from tillpost.serve.http.exchange import Receive, Scope, Send
from tillpost.serve.settings import SECRET_KEYS, Settings

HIDDEN = "[hidden]"
_SHORTEST_SECRET = 8
_EMAIL = re.compile(r"(?<![\w.%+'-])[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+")
"""Begins only where a word does: tried at every letter, a long word would take for ever."""
_PATTERNS = re.compile(
    r"\+\d[\d ().-]{6,}\d"  # a phone number with its country code
    r"|\bEA[A-Za-z0-9]{20,}"  # a token of Meta's
    r"|\b(?:whsec_|tp_|tr_|shpat_|sk_live_|rk_live_)[\w+/=-]{8,}"
    r"|(?i:bearer) +[\w.~+/=-]+"
    r"|(?i:(?:access_token|appsecret_proof|password|secret)[\\\"' ]*[=:][\\\"' ]*)[^\s\\\"'&,}]+"
    r"|\b[0-9a-fA-F]{64}\b"  # a hashed identifier
)
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

App = Callable[[Scope, Receive, Send], Awaitable[None]]


def configure(settings: Settings, write: Callable[[str], Any] | None = None) -> None:
    """Log JSON lines through `write` (standard error), with these settings' secrets hidden."""
    redact = Redactor(_secrets(msgspec.to_builtins(settings)))
    structlog.configure(
        processors=[
            _with_request_id,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
            lambda _logger, _name, line: redact(str(line)),
        ],
        logger_factory=lambda *_: _Lines(write or to_standard_error),
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
        return _PATTERNS.sub(HIDDEN, _EMAIL.sub(HIDDEN, plain))


class RequestIds:
    """Gives every request an id: the caller's own if it is a good one, or a new one."""

    def __init__(self) -> None:
        self._start = secrets.token_hex(6)
        self._numbers = count()

    def begin(self, given: str | None) -> str:
        """The id of the request whose task this is; its log lines carry it from here on."""
        good = given is not None and _GOOD_ID.fullmatch(given)
        number = given if given and good else f"{self._start}-{next(self._numbers):x}"
        _request_id.set(number)
        return number


class Observed:
    """An ASGI application whose every request has an id, in its answer as in its log lines."""

    def __init__(self, app: App, ids: RequestIds) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        header = (b"x-request-id", self._ids.begin(_given_id(scope)).encode())

        async def told(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        await self._app(scope, receive, told)


def request_id() -> str | None:
    """The id of the request that is being handled."""
    return _request_id.get()


def _given_id(scope: Scope) -> str | None:
    given = (value for name, value in scope["headers"] if name == b"x-request-id")
    return next((value.decode("latin-1") for value in given), None)


def _with_request_id(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> Any:
    number = _request_id.get()
    return line if number is None else {**line, "request_id": number}


def to_standard_error(line: str) -> None:
    """Write a line of the log where it always goes."""
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
