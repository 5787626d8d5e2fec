"""Sending over the network: TLS verified, no redirects, answers capped."""

import httpx2

from tillpost.core.outcome import Retryable
from tillpost.core.wire import Request, Response

_MOST_BYTES = 1 << 20
_CONNECT_SECONDS = 5.0


class HttpTransport:
    """A client with kept connections; `close` it when the server stops."""

    def __init__(self) -> None:
        self._client = httpx2.AsyncClient(
            follow_redirects=False, http2=False, trust_env=False, timeout=_CONNECT_SECONDS
        )

    async def send(self, request: Request, seconds: float) -> Response:
        """The answer, its body capped at 1 MiB; raises `Retryable` if none was read in time."""
        try:
            async with self._client.stream(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
                timeout=httpx2.Timeout(seconds, connect=_CONNECT_SECONDS),
            ) as answer:
                body = await _capped(answer)
        except httpx2.HTTPError as error:
            raise Retryable(
                f"no answer from {_host(request.url)}: {type(error).__name__}"
            ) from None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, body)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


async def _capped(answer: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _MOST_BYTES:
            return bytes(body[:_MOST_BYTES])
    return bytes(body)


def _host(url: str) -> str:
    """The host alone: paths and queries may hold ids."""
    return httpx2.URL(url).host
