"""Who may do what: server keys with scopes, and sessions of the dashboard."""

import hmac
from collections.abc import Mapping
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from tillpost.ports import Clock
from tillpost.serve.sessions import Sessions
from tillpost.serve.settings import ServerKey, Settings

Scope: TypeAlias = Literal["events", "reports", "costs", "admin"]
COOKIE = "tillpost_session"


class Key(Struct, frozen=True):
    """A server key and what it opens."""

    shop: str
    key: str
    scopes: frozenset[str]

    def __repr__(self) -> str:
        """Never shows the key."""
        return f"Key(shop={self.shop!r}, scopes={sorted(self.scopes)})"


class Access:
    """Checks keys in constant time; `sessions` are the dashboard's."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.sessions = Sessions(clock)
        self._keys = tuple(_keys(settings))
        self._known = tuple((key.key.encode(), key) for key in self._keys)

    def key(self, headers: Mapping[str, str], scope: Scope, shop: str | None = None) -> Key | None:
        """The key that opens this scope (for this shop), or None."""
        given = (bearer(headers) or "").encode()
        found = None
        for known, key in self._known:
            if given and hmac.compare_digest(known, given):
                found = key
        if found is None or scope not in found.scopes or shop not in {None, found.shop}:
            return None
        return found

    def any_key(self, scope: Scope, shop: str) -> str | None:
        """A key that opens this scope for this shop, for the server's own commands."""
        fitting = (k.key for k in self._keys if scope in k.scopes and k.shop == shop)
        return next(fitting, None)


def is_own(headers: Mapping[str, str]) -> bool:
    """Whether a request was sent by a page of ours, and not by another site's."""
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def bearer(headers: Mapping[str, str]) -> str | None:
    """The token of an `Authorization: Bearer` header."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _keys(settings: Settings) -> list[Key]:
    made = []
    for shop in settings.shops:
        for given in shop.server_keys:
            key = ServerKey(key=given) if isinstance(given, str) else given
            made.append(Key(shop.name, key.key, frozenset(key.scopes)))
    return made
