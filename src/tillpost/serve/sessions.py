"""Who is signed in, what they may do, and the proof that a form came from a page of theirs."""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, TypeAlias

from msgspec import Struct

from tillpost.ports import Clock

Role: TypeAlias = Literal["owner", "analyst", "reader"]
Act: TypeAlias = Literal["read", "import", "send", "govern"]

MAY: dict[Role, frozenset[Act]] = {
    "owner": frozenset({"read", "import", "send", "govern"}),
    "analyst": frozenset({"read", "import"}),
    "reader": frozenset({"read"}),
}
"""What each role may do: `send` is retry, replay and test events, `govern` users and links."""

SESSION_SECONDS = 12 * 3600.0
_MOST_SESSIONS = 1000


class Viewer(Struct, frozen=True):
    """Somebody signed in; `shop` None is all shops. `secret` is this session's own."""

    name: str
    role: Role
    shop: str | None = None
    secret: bytes = b""

    def __repr__(self) -> str:
        """Never shows the secret."""
        return f"Viewer({self.name!r}, {self.role}, {self.shop or 'all shops'})"

    def may(self, act: Act) -> bool:
        """Whether the role allows it."""
        return act in MAY[self.role]

    def sees(self, shops: Sequence[str]) -> list[str]:
        """Those of the shops that may be looked at."""
        return [shop for shop in shops if self.shop in {None, shop}]

    def form_token(self) -> str:
        """A proof for a hidden field; another one for every page, so that it cannot be measured."""
        nonce = secrets.token_hex(8)
        return f"{nonce}.{self._proof(nonce)}"

    def is_form(self, token: str) -> bool:
        """Whether a form came from a page of this session."""
        nonce, _, proof = token.partition(".")
        return hmac.compare_digest(self._proof(nonce).encode(), proof.encode())

    def _proof(self, nonce: str) -> str:
        return hmac.new(self.secret, nonce.encode(), sha256).hexdigest()


class Notice(Struct, frozen=True):
    """What came of the last form, shown once on the next page."""

    text: str
    bad: bool = False


class _Session(Struct, frozen=True):
    viewer: Viewer
    until: float


class Sessions:
    """Sessions in memory, by the hash of their cookie (decision 0005)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, _Session] = {}
        self._notices: dict[str, Notice] = {}

    def open(self, name: str, role: Role, shop: str | None = None) -> str:
        """A new session's cookie."""
        now = self._clock.now()
        self._open = {key: s for key, s in self._open.items() if s.until > now}
        while len(self._open) >= _MOST_SESSIONS:
            del self._open[next(iter(self._open))]
        cookie = secrets.token_urlsafe(32)
        viewer = Viewer(name, role, shop, secrets.token_bytes(32))
        self._open[_hashed(cookie)] = _Session(viewer, now + SESSION_SECONDS)
        return cookie

    def viewer(self, cookie: str | None) -> Viewer | None:
        """Who a cookie belongs to, or None if its session has ended."""
        found = self._open.get(_hashed(cookie)) if cookie else None
        return found.viewer if found is not None and found.until > self._clock.now() else None

    def say(self, cookie: str | None, notice: Notice) -> None:
        """Keep a notice for the session's next page."""
        key = _hashed(cookie or "")
        if key in self._open:
            self._notices[key] = notice

    def said(self, cookie: str | None) -> Notice | None:
        """The notice that waits for this session, once."""
        return self._notices.pop(_hashed(cookie or ""), None)

    def close(self, cookie: str | None) -> None:
        """End one session."""
        self._open.pop(_hashed(cookie or ""), None)

    def close_all(self, name: str) -> None:
        """End every session of one name."""
        self._open = {key: s for key, s in self._open.items() if s.viewer.name != name}


def _hashed(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()
