"""granian's own interface, RSGI, as types."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Protocol, TypeAlias

Scope: TypeAlias = Any
"""granian's view of a request's head (RSGI 1.6)."""


class Stream(Protocol):
    """A response that is sent in parts."""

    async def send_bytes(self, data: bytes) -> None:
        """Send one part; raises `ProtocolClosed` when the client is gone."""


class Exchange(Protocol):
    """granian's side of one request: its body, and where the response goes."""

    def __call__(self) -> Awaitable[bytes]:
        """The whole body."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The body in parts."""

    async def client_disconnect(self) -> None:
        """Return when the client is gone."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send a whole response."""

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Stream:
        """Begin a response that is sent in parts."""


class Application(Protocol):
    """What granian serves."""

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
