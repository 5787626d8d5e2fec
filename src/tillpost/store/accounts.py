"""Users, read-only links and the audit log of the dashboard, in a database of their own."""

import sqlite3
from collections.abc import Callable
from typing import Any

from msgspec import Struct, convert, structs

from tillpost.core import chain
from tillpost.store import queries
from tillpost.store.sqlite import Database


class User(Struct, frozen=True, array_like=True):
    """Somebody who may sign in; `shop` None is all shops. Times are Unix seconds."""

    name: str
    role: str
    shop: str | None
    made_at: float
    seen_at: float | None


class Link(Struct, frozen=True, array_like=True):
    """A link that shows one shop to whoever has it."""

    id: int
    shop: str
    label: str
    made_by: str
    made_at: float
    seen_at: float | None


class Entry(Struct, frozen=True, array_like=True):
    """One line of the audit log: when, who, what, of which shop, and more about it."""

    id: int
    at: float
    who: str
    what: str
    shop: str | None
    detail: str
    hash: str


class Session(Struct, frozen=True, array_like=True):
    """Somebody signed in, by the hash of their cookie; `until` is Unix seconds."""

    hash: str
    name: str
    role: str
    shop: str | None
    until: float


class Accounts:
    """Reads and writes `accounts.db`; `close` it when the server ends."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = queries.load("accounts")

    def users(self) -> list[User]:
        """Everybody who may sign in, by name."""
        return convert(self._read("users"), list[User])

    def user(self, name: str) -> tuple[User, str] | None:
        """A user and the hash of the password."""
        found = self._read("password", name)
        return (convert(found[0][:-1], User), found[0][-1]) if found else None

    def add_user(self, name: str, role: str, shop: str | None, password: str, now: float) -> bool:
        """Keep a user with this hash of a password; False if the name is taken."""
        try:
            self._write("add_user", name, role, shop, password, now)
        except sqlite3.IntegrityError:
            return False
        return True

    def set_password(self, name: str, password: str) -> bool:
        """Change the hash of a password; False if there is nobody of that name."""
        return self._write("set_password", password, name) > 0

    def remove_user(self, name: str) -> bool:
        """Forget a user; False if there is none of that name, or it is the last owner."""
        return self._write("remove_user", name) > 0

    def user_seen(self, name: str, now: float) -> None:
        """Note that a user signed in."""
        self._write("user_seen", now, name)

    def links(self) -> list[Link]:
        """Every read-only link, the oldest first."""
        return convert(self._read("links"), list[Link])

    def link(self, hashed: str) -> Link | None:
        """The link whose token has this hash."""
        found = self._read("link", hashed)
        return convert(found[0], Link) if found else None

    def add_link(self, shop: str, label: str, hashed: str, made_by: str, now: float) -> None:
        """Keep a link by the hash of its token."""
        self._write("add_link", shop, label, hashed, made_by, now)

    def remove_link(self, number: int) -> bool:
        """End a link; False if there is none of that number."""
        return self._write("remove_link", number) > 0

    def link_seen(self, number: int, now: float) -> None:
        """Note that a link was used."""
        self._write("link_seen", now, number)

    def sessions(self, now: float) -> list[Session]:
        """Every session that has not ended, the one that ends first in front."""
        return convert(self._read("sessions", now), list[Session])

    def add_session(self, session: Session, now: float) -> None:
        """Keep a session, and forget those that have ended."""
        self._write("forget_sessions", now)
        self._write("add_session", *structs.astuple(session))

    def remove_session(self, hashed: str) -> None:
        """End one session."""
        self._write("remove_session", hashed)

    def note(
        self, who: str, what: str, detail: str = "", shop: str | None = None, *, now: float
    ) -> None:
        """Write a line into the audit log, chained to the one before."""
        entry = (now, who, what, shop, detail)

        def work(conn: sqlite3.Connection) -> None:
            last = conn.execute(self._sql["last_hash"]).fetchone()
            hashed = chain.link(last[0] if last else chain.START, entry)
            conn.execute(self._sql["add_audit"], (*entry, hashed))

        self._database.write_now(work)

    def audit(self, before: int, limit: int) -> list[Entry]:
        """Lines of the audit log with numbers below `before`, the latest first."""
        return convert(self._read("audit", before, limit), list[Entry])

    def first_broken(self) -> int | None:
        """The first line of the audit log that was changed; None if it is whole."""
        rows = self._read("audit_chain")
        return chain.first_broken((row[0], row[1:-1], row[-1]) for row in rows)

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _read(self, name: str, *given: Any) -> list[Any]:
        with self._database.reader() as conn:
            return conn.execute(self._sql[name], given).fetchall()

    def _write(self, name: str, *given: Any) -> int:
        text = self._sql[name]
        work: Callable[[sqlite3.Connection], int] = lambda c: c.execute(text, given).rowcount  # noqa: E731
        return self._database.write_now(work)
