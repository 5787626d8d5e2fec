"""Who is signed in, what they may do, and the proof that a form came from a page of theirs."""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from tillpost.ports import Clock
from tillpost.store.accounts import Session

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
    """Somebody signed in; `shop` None is all shops. `secret` proves forms of this `session`."""

    name: str
    role: Role
    shop: str | None = None
    secret: bytes = b""
    session: str = ""

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


class Book(Protocol):
    """Where sessions outlast a restart; `store.accounts` is one."""

    def sessions(self, now: float) -> list[Session]:
        """Those that have not ended."""

    def add_session(self, session: Session, now: float) -> None:
        """Keep one."""

    def remove_session(self, hashed: str) -> None:
        """Forget one."""


class Sessions:
    """Who is signed in, by the hash of their cookie (decision 0008)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}
        self._notices: dict[str, Notice] = {}
        self._book: Book | None = None

    def keep_in(self, book: Book) -> None:
        """Take up what the book holds, and write into it from now on."""
        self._book = book
        self._open = {session.hash: session for session in book.sessions(self._clock.now())}

    def open(self, name: str, role: Role, shop: str | None = None) -> str:
        """A new session's cookie."""
        now = self._clock.now()
        self._open = {key: s for key, s in self._open.items() if s.until > now}
        while len(self._open) >= _MOST_SESSIONS:
            del self._open[next(iter(self._open))]
        cookie = secrets.token_urlsafe(32)
        session = Session(_hashed(cookie), name, role, shop, now + SESSION_SECONDS)
        self._open[session.hash] = session
        if self._book is not None:
            self._book.add_session(session, now)
        return cookie

    def viewer(self, cookie: str | None) -> Viewer | None:
        """Who a cookie belongs to, or None if its session has ended."""
        found = self._open.get(_hashed(cookie)) if cookie else None
        if cookie is None or found is None or found.until <= self._clock.now():
            return None
        role: Role = found.role if found.role in MAY else "reader"
        return Viewer(found.name, role, found.shop, _proof_key(cookie), found.hash)

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
        found = self._open.pop(_hashed(cookie or ""), None)
        if self._book is not None and found is not None:
            self._book.remove_session(found.hash)

    def close_all(self, name: str, but: str = "") -> None:
        """End every session of one name, except the one of this hash."""
        ended = [key for key, s in self._open.items() if s.name == name and key != but]
        for key in ended:
            del self._open[key]
            if self._book is not None:
                self._book.remove_session(key)


def _proof_key(cookie: str) -> bytes:
    """What the proofs of a session's forms are made with: known to who has the cookie alone."""
    return sha256(f"forms of {cookie}".encode()).digest()


def _hashed(cookie: str) -> str:
    return sha256(cookie.encode()).hexdigest()
