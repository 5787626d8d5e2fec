"""What Meta says of an access token: whether it is taken, until when, and what it may do."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from tillpost.core.outcome import Retryable
from tillpost.core.wire import Request
from tillpost.deliver.destinations import meta
from tillpost.ports import Transport

SECONDS = 10.0
EVERY_SECONDS = 86_400.0
AGAIN_SECONDS = 3600.0
WRITES = frozenset({"ads_management", "business_management"})
"""Permissions with one of which events may be written (Graph API, "Permissions")."""


class Standing(Struct, frozen=True):
    """What is told of a token; a platform that tells nothing leaves all of it open."""

    ends_at: float | None = None
    """Unix seconds; None if it does not end, or it is not told."""
    scopes: frozenset[str] = frozenset()
    is_told: bool = False

    @property
    def may_write(self) -> bool:
        """Whether it may send events, as far as is known."""
        return not self.scopes or bool(self.scopes & WRITES)


class Watch:
    """When the tokens of real destinations end: asked once a day, and remembered."""

    def __init__(
        self, transport: Transport, destinations: Mapping[tuple[str, str], meta.Settings]
    ) -> None:
        self._transport = transport
        self._destinations = destinations
        self._asked_at = float("-inf")
        self._ends: dict[tuple[str, str], float] = {}
        self.unsure: frozenset[str] = frozenset()
        """Shops of which a platform told nothing when it was asked last."""

    async def ends(self, now: float) -> Mapping[tuple[str, str], float]:
        """(shop, destination) -> when its token ends, of those whose platform tells it."""
        if now - self._asked_at >= (AGAIN_SECONDS if self.unsure else EVERY_SECONDS):
            self._asked_at = now
            told = {k: await standing(self._transport, d) for k, d in self._destinations.items()}
            known = {key: one.ends_at for key, one in told.items() if one.ends_at is not None}
            unheard = {k: at for k, at in self._ends.items() if not told[k].is_told}
            self._ends = {**unheard, **known}
            self.unsure = frozenset(shop for (shop, _), one in told.items() if not one.is_told)
        return self._ends


async def standing(transport: Transport, given: meta.Settings) -> Standing:
    """How the token of a destination stands; it travels in the body, never in an address."""
    asked = {"method": "get", "input_token": given.access_token, "access_token": given.access_token}
    form = {"content-type": "application/x-www-form-urlencoded"}
    request = Request("POST", f"{given.url}/debug_token", form, urlencode(asked).encode())
    try:
        data = _data((await transport.send(request, SECONDS)).body)
    except Retryable:
        return Standing()
    ends = data.get("expires_at")
    scopes = data.get("scopes")
    return Standing(
        ends_at=float(ends) if isinstance(ends, int | float) and ends > 0 else None,
        scopes=frozenset(map(str, scopes)) if isinstance(scopes, list) else frozenset(),
        is_told=bool(data),
    )


def _data(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    data = found.get("data") if isinstance(found, dict) else None
    return data if isinstance(data, dict) else {}
