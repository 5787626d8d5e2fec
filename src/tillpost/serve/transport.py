"""Sending over the network: TLS verified, no redirects, no proxies, answers capped.

Two addresses are no network's: what is sent to `console:` is printed, and `echo:` answers
with what it was sent.
"""

import asyncio
import ssl
import sys
from urllib.parse import urlsplit

import httpcore2

from tillpost.core.outcome import NotSent, Retryable
from tillpost.core.wire import Request, Response
from tillpost.serve.outward import Guarded, Networks

_MOST_BYTES = 1 << 20
_CONNECT_SECONDS = 5.0
_NOT_SENT = (
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
    httpcore2.PoolTimeout,
    httpcore2.UnsupportedProtocol,
)


class HttpTransport:
    """A client with kept connections; `close` it when the server stops.

    `own_url` is the server's own address, the only loopback one; `allowed` are networks
    that the owner named.
    """

    def __init__(self, own_url: str | None = None, allowed: Networks = ()) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_verifying(),
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=60.0,
            network_backend=Guarded(own_url, allowed),
        )

    async def send(self, request: Request, seconds: float) -> Response:
        """The answer, its body capped at 1 MiB, within so many seconds in all.

        Raises `NotSent` if nothing can have arrived, else `Retryable`.
        """
        scheme = request.url.partition(":")[0]
        if scheme == "console":
            return await asyncio.to_thread(_print, request.body)
        if scheme == "echo":
            return Response(200, request.headers, request.body)
        host = urlsplit(request.url).hostname
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(request, seconds)
        except _NOT_SENT as error:
            raise NotSent(f"cannot reach {host}: {_why(error)}") from None
        except (httpcore2.TimeoutException, httpcore2.NetworkError, TimeoutError) as error:
            raise Retryable(f"no answer from {host}: {type(error).__name__}") from None
        except httpcore2.ProtocolError as error:
            raise Retryable(f"no clear answer from {host}: {type(error).__name__}") from None

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _exchange(self, request: Request, seconds: float) -> Response:
        parts = dict.fromkeys(("read", "write"), seconds)
        # A handshake has to end by itself: one that is cut off from outside keeps its socket.
        times = parts | dict.fromkeys(("connect", "pool"), min(_CONNECT_SECONDS, seconds / 2))
        told = {
            "host": urlsplit(request.url).netloc,
            "user-agent": "tillpost",
            "content-length": str(len(request.body)),
            **request.headers,
        }
        headers: list[tuple[bytes | str, bytes | str]] = [*told.items()]
        async with self._pool.stream(
            request.method,
            request.url,
            headers=headers,
            content=request.body,
            extensions={"timeout": times},
        ) as answer:
            body = await _capped(answer)
        got = {name.decode("latin-1").lower(): v.decode("latin-1") for name, v in answer.headers}
        return Response(answer.status, got, body)


async def _capped(answer: httpcore2.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return bytes(body[:_MOST_BYTES])
    return bytes(body)


def _verifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _why(error: Exception) -> str:
    """The kind of trouble; of TLS, what is wrong with the certificate."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not good ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({cause.reason})"
    return str(error)[:200] or type(error).__name__


def _print(lines: bytes) -> Response:
    try:
        sys.stdout.write(lines.decode())
        sys.stdout.flush()
    except (OSError, ValueError):
        return Response(500, {})
    return Response(200, {})
