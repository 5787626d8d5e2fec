"""Who is let in: passwords under argon2id, one-time and read-only links, no endless guessing."""

import hashlib
import hmac
import os
import re
import secrets
import threading
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import get_args

from msgspec import Struct

from tillpost.core.outcome import Misconfigured
from tillpost.ports import Clock
from tillpost.serve.sessions import Role, Sessions, Viewer
from tillpost.store.accounts import Accounts
from tillpost.store.sqlite import Database

ACCOUNTS_FILE = "accounts.db"
FIRST_FILE = "first-sign-in"
"""Holds the token of the one-time link until the first owner has a password."""

MOST_FAILURES = 5
FAILURE_SECONDS = 900.0
"""So many wrong passwords of one name from one address in so many seconds, and it must wait."""
SHORTEST_PASSWORD = 12
_NAME = re.compile(r"[\w.@+-]{1,60}")
_MOST_KEYS = 10_000
_HASHES_AT_ONCE = threading.Semaphore(2)
"""Each takes 64 MiB; more at once would let a stranger fill the memory."""


class Waits(Struct, frozen=True):
    """Sign-in is refused for so many seconds."""

    seconds: float


class Failures:
    """Wrong passwords of the last quarter of an hour, by name and address."""

    def __init__(self) -> None:
        self._times: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def wait(self, key: tuple[str, str], now: float) -> float:
        """Seconds until the next try is allowed; 0 if it is now."""
        recent = [at for at in self._times.get(key, []) if now - at < FAILURE_SECONDS]
        return recent[-MOST_FAILURES] + FAILURE_SECONDS - now if len(recent) >= MOST_FAILURES else 0

    def add(self, key: tuple[str, str], now: float) -> None:
        """Count a failure."""
        kept = [at for at in self._times.pop(key, []) if now - at < FAILURE_SECONDS]
        self._times[key] = [*kept, now]
        while len(self._times) > _MOST_KEYS:
            self._times.popitem(last=False)


class Keeper:
    """Lets people in and keeps the book of it."""

    def __init__(
        self, directory: Path, sessions: Sessions, clock: Clock, development_password: str | None
    ) -> None:
        self.accounts = Accounts(Database(directory / ACCOUNTS_FILE, "accounts"))
        sessions.keep_in(self.accounts)
        self._first = directory / FIRST_FILE
        self._sessions = sessions
        self._clock = clock
        self._development = development_password
        self._failures = Failures()

    @property
    def asks_for_name(self) -> bool:
        """Whether there are users; in development the password alone is enough."""
        return bool(self.accounts.users())

    def sign_in(self, name: str, password: str, address: str) -> str | Waits | None:
        """A new session's cookie; None for a wrong name or password; `Waits` after too many."""
        now = self._clock.now()
        key = (name.casefold(), address)
        wait = self._failures.wait(key, now)
        if wait > 0:
            return Waits(wait)
        cookie = self._development_session(password) or self._user_session(name, password, now)
        if cookie is None:
            self._failures.add(key, now)
            self.accounts.note(name[:60] or "?", "sign-in refused", f"from {address}", now=now)
        return cookie

    def _development_session(self, password: str) -> str | None:
        known = self._development
        if not known or not hmac.compare_digest(known.encode(), password.encode()):
            return None
        self.note("owner", "signed in", "development")
        return self._sessions.open("owner", "owner")

    def _user_session(self, name: str, password: str, now: float) -> str | None:
        found = self.accounts.user(name)
        if not _fits(found[1] if found else _nobody(), password) or found is None:
            return None
        user = found[0]
        self.accounts.user_seen(user.name, now)
        self.accounts.note(user.name, "signed in", now=now)
        return self._sessions.open(user.name, _role(user.role), user.shop)

    def add(self, by: str, name: str, role: str, shop: str | None, password: str) -> None:
        """Keep a new user; raises `Misconfigured` for what cannot be one."""
        checked(name, role, password)
        now = self._clock.now()
        if not self.accounts.add_user(name, role, shop, hashed(password), now):
            raise Misconfigured(f"name: {name} is taken; choose another")
        self.accounts.note(by, "added a user", f"{name}, {role}", shop, now=now)

    def change_password(self, by: str, name: str, password: str, but: str = "") -> None:
        """Give a user another password; every session of theirs ends, except that of this hash."""
        checked(name, "reader", password)
        if not self.accounts.set_password(name, hashed(password)):
            raise Misconfigured(f"name: there is no user {name[:60]!r}")
        self._sessions.close_all(name, but)
        self.note(by, "changed a password", name)

    def change_own_password(self, viewer: Viewer, old: str, new: str) -> None:
        """Another password for who knows the present one; their other sessions end.

        Raises `Misconfigured` for a wrong one (and after too many), or a new one that is none.
        """
        now = self._clock.now()
        name, key = viewer.name, (viewer.name.casefold(), "signed in")
        if self._failures.wait(key, now) > 0:
            raise Misconfigured("password: too many wrong ones; try again in a quarter of an hour")
        found = self.accounts.user(name)
        if found is None:
            raise Misconfigured(
                "password: this sign-in has none of its own. In development it stands in "
                "dev-secrets.json; add yourself on the Users page"
            )
        if not _fits(found[1], old):
            self._failures.add(key, now)
            self.note(name, "password refused")
            raise Misconfigured("password: the present one is wrong")
        self.change_password(name, name, new, viewer.session)

    def remove(self, by: str, name: str) -> None:
        """Forget a user and end their sessions; the last owner stays."""
        if not self.accounts.remove_user(name):
            raise Misconfigured(f"name: {name[:60]} is nobody, or the last owner: add one first")
        self._sessions.close_all(name)
        self.note(by, "removed a user", name)

    def make_link(self, by: str, shop: str, label: str) -> str:
        """The token of a new read-only link to one shop; only its hash is kept."""
        token = secrets.token_urlsafe(24)
        now = self._clock.now()
        self.accounts.add_link(shop, label[:60] or "read-only", _digest(token), by, now)
        self.accounts.note(by, "made a read-only link", label[:60], shop, now=now)
        return token

    def end_link(self, by: str, number: int) -> None:
        """End a link and the sessions that it opened."""
        if not self.accounts.remove_link(number):
            raise Misconfigured(f"link: there is none of number {number}")
        self._sessions.close_all(f"link {number}")
        self.note(by, "ended a read-only link", str(number))

    def open_link(self, token: str) -> str | None:
        """A new session's cookie for whoever has a link; None if there is no such link."""
        link = self.accounts.link(_digest(token))
        if link is None:
            return None
        now = self._clock.now()
        self.accounts.link_seen(link.id, now)
        self.accounts.note(f"link {link.id}", "opened a read-only link", "", link.shop, now=now)
        return self._sessions.open(f"link {link.id}", "reader", link.shop)

    def is_first(self, token: str) -> bool:
        """Whether this is the token of the one-time link, and nobody has used it yet."""
        known = first_token(self._first.parent, make=False)
        return known is not None and hmac.compare_digest(known.encode(), token.encode())

    def first_sign_in(self, token: str, name: str, password: str) -> str:
        """The first owner's session; the link is used up. Raises `Misconfigured` otherwise."""
        if not self.is_first(token):
            raise Misconfigured("the link was used, or is another server's: start again for one")
        self.add(name, name, "owner", None, password)
        self._first.unlink(missing_ok=True)
        return self._sessions.open(name, "owner")

    def note(self, who: str, what: str, detail: str = "", shop: str | None = None) -> None:
        """Write a line into the audit log, as of now."""
        self.accounts.note(who, what, detail, shop, now=self._clock.now())

    def close(self) -> None:
        """Close the book."""
        self.accounts.close()


def first_token(directory: Path, *, make: bool) -> str | None:
    """The token of the one-time link; None once there are users, or if none was made."""
    path = directory / FIRST_FILE
    if make and not path.exists():
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(24))
    try:
        return path.read_text("utf-8").strip() or None
    except OSError:
        return None


def has_users(directory: Path) -> bool:
    """Whether anybody can sign in to this data directory.

    A file of an older version is brought up to date here, as the server that starts would.
    """
    path = directory / ACCOUNTS_FILE
    if not path.is_file():
        return False
    database = Database(path, "accounts")
    try:
        return bool(Accounts(database).users())
    finally:
        database.close()


def checked(name: str, role: str, password: str) -> None:
    """Raises `Misconfigured` for a name, role or password that is none: what, and how to fix."""
    if not _NAME.fullmatch(name):
        raise Misconfigured("name: 1 to 60 letters, digits and . @ + - _")
    if role not in get_args(Role):
        raise Misconfigured(f"role: use one of {', '.join(get_args(Role))}")
    if len(password) < SHORTEST_PASSWORD:
        raise Misconfigured(f"password: use at least {SHORTEST_PASSWORD} characters")
    plain = password.casefold()
    if len(set(plain)) < 5 or name.casefold() in plain or "tillpost" in plain or "passw" in plain:
        raise Misconfigured("password: too easy to guess; a few words that do not belong together")


def hashed(password: str) -> str:
    """The argon2id hash of a password, with its salt and parameters."""
    from argon2 import PasswordHasher

    with _HASHES_AT_ONCE:
        return PasswordHasher().hash(password)


def _fits(known: str, password: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import Argon2Error, InvalidHashError

    with _HASHES_AT_ONCE:
        try:
            return PasswordHasher().verify(known, password[:1000])
        except (Argon2Error, InvalidHashError):
            return False


@cache
def _nobody() -> str:
    """A hash that no password fits, so that a name that is none takes as long."""
    return hashed(secrets.token_urlsafe())


def _role(text: str) -> Role:
    return text if text in get_args(Role) else "reader"  # type: ignore[return-value]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
