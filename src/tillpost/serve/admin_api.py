"""Asking a Shopify shop's Admin API from the running server: one try, no sleep, no thread."""

import asyncio
import contextlib
from typing import Any

import msgspec

from tillpost.collect.backfill import Ask, Keep, Pull, Wait
from tillpost.core.outcome import Misconfigured, Permanent, Retryable
from tillpost.core.wire import Request
from tillpost.ports import Transport
from tillpost.serve.settings import ShopSettings

REASONS = {
    401: "the token is not valid: make a new one and set shops.shopify.access_token",
    402: "the shop is frozen until its bill is paid",
    403: "the app lacks a scope: give it read_orders, read_all_orders and read_customers",
    404: "there is no such shop or API version: check shops.domain and shops.shopify.api_version",
    423: "the shop is locked: ask Shopify's support",
}
"""What the owner must do for an answer that no later try would change (reference 5.4)."""

TOKENLESS = (
    "set shops.shopify.access_token, or client_id and client_secret of an app of the Dev Dashboard"
)
_SECONDS = 30.0


class Door:
    """Where a shop's Admin API is, and what is sent there: whoever asks does the sending.

    Raises `Misconfigured` for a shop without the table `shops.shopify`.
    """

    def __init__(self, shop: ShopSettings) -> None:
        if shop.shopify is None:
            raise Misconfigured(f"shop {shop.name} has no table shops.shopify: add it")
        self.base = (shop.shopify.admin_url or f"https://{shop.domain}").rstrip("/")
        self.token = shop.shopify.access_token
        """A token that was given and lasts; empty if one must be asked for."""
        self._given = shop.shopify

    def query(self, step: Ask, token: str) -> Request:
        """A GraphQL query."""
        path = f"/admin/api/{self._given.api_version}/graphql.json"
        body = {"query": step.query, "variables": step.variables}
        return self._post(path, body, {"x-shopify-access-token": token})

    def credentials(self) -> Request:
        """The request for a token by client credentials, which lives for a day (reference 5.1).

        Raises `Misconfigured` if there are none.
        """
        if not (self._given.client_id and self._given.client_secret):
            raise Misconfigured(TOKENLESS)
        body = {
            "client_id": self._given.client_id,
            "client_secret": self._given.client_secret,
            "grant_type": "client_credentials",
        }
        return self._post("/admin/oauth/access_token", body, {})

    def _post(self, path: str, body: Any, headers: dict[str, str]) -> Request:
        told = {"content-type": "application/json", **headers}
        return Request("POST", self.base + path, told, msgspec.json.encode(body))


def check(status: int) -> None:
    """Raises `Misconfigured` for an answer that no later try would change."""
    if status in REASONS:
        raise Misconfigured(f"the Admin API answered {status}: {REASONS[status]}")


class AdminApi:
    """One shop's Admin API over the server's own transport."""

    def __init__(self, shop: ShopSettings, transport: Transport, stopping: asyncio.Event) -> None:
        self._door = Door(shop)
        self._transport = transport
        self._stopping = stopping

    async def pulled(self, flow: Pull) -> list[Any]:
        """All that a pull gives.

        Raises `Misconfigured` for what the owner must mend, `Retryable` if no answer came or
        the server ends, `Permanent` for an answer that is not as documented.
        """
        token = self._door.token or await self._fresh_token()
        found: list[Any] = []
        answer: dict[str, Any] | None = None
        while True:
            try:
                step = next(flow) if answer is None else flow.send(answer)
            except StopIteration:
                return found
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                what = type(error).__name__
                raise Permanent(f"the Admin API answered in another shape ({what})") from None
            answer = {}
            if isinstance(step, Ask):
                answer = await self._answered(self._door.query(step, token))
            elif isinstance(step, Wait):
                await self._wait(step.seconds)
            elif isinstance(step, Keep):
                found += step.orders

    async def _fresh_token(self) -> str:
        token = (await self._answered(self._door.credentials())).get("access_token")
        if not isinstance(token, str):
            raise Permanent("the Admin API answered without `access_token`")
        return token

    async def _answered(self, request: Request) -> dict[str, Any]:
        response = await self._transport.send(request, _SECONDS)
        check(response.status)
        if response.status != 200:
            raise Retryable(f"the Admin API answered {response.status}")
        try:
            return msgspec.json.decode(response.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError):
            raise Retryable("the Admin API's answer is no JSON object, or over 1 MiB") from None

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
            raise Retryable("the server ends")
