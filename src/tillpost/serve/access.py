"""Who may do what: server keys with scopes, and sessions of the dashboard."""

import hmac
import secrets
from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from tillpost.ports import Clock
from tillpost.serve.settings import ServerKey, Settings

Scope: TypeAlias = Literal["events", "reports", "costs", "admin"]
COOKIE = "tillpost_session"
_SESSION_SECONDS = 12 * 3600.0
_MOST_SESSIONS = 1000


class Key(Struct, frozen=True):
    """A server key and what it opens."""

    shop: str
    key: str
    scopes: frozenset[str]

    def __repr__(self) -> str:
        """Never shows the key."""
        return f"Key(shop={self.shop!r}, scopes={sorted(self.scopes)})"


class Access:
    """Checks keys in constant time, and keeps the dashboard's sessions in memory."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._keys = tuple(_keys(settings))
        self._password = settings.admin_password
        self._sessions: dict[str, float] = {}

    def key(self, headers: Mapping[str, str], scope: Scope, shop: str | None = None) -> Key | None:
        """The key that opens this scope (for this shop), or None."""
        given = bearer(headers)
        found = None
        for key in self._keys:
            if given and hmac.compare_digest(key.key.encode(), given.encode()):
                found = key
        if found is None or scope not in found.scopes or shop not in {None, found.shop}:
            return None
        return found

    def any_key(self, scope: Scope, shop: str) -> str | None:
        """A key that opens this scope for this shop, for the server's own commands."""
        fitting = (k.key for k in self._keys if scope in k.scopes and k.shop == shop)
        return next(fitting, None)

    def log_in(self, password: str) -> str | None:
        """A new session's cookie, if the password is right."""
        known = self._password
        if not known or not hmac.compare_digest(known.encode(), password.encode()):
            return None
        now = self._clock.now()
        self._sessions = {s: until for s, until in self._sessions.items() if until > now}
        if len(self._sessions) >= _MOST_SESSIONS:
            self._sessions.clear()
        session = secrets.token_urlsafe(32)
        self._sessions[session] = now + _SESSION_SECONDS
        return session

    def log_out(self, session: str | None) -> None:
        """End a session."""
        self._sessions.pop(session or "", None)

    def has_session(self, session: str | None) -> bool:
        """Whether the cookie is of a session that has not ended."""
        return self._sessions.get(session or "", 0.0) > self._clock.now()


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
