"""Signed bodies that could not be read, in the gateway's database: reading them again."""

from typing import Any

from tillpost.core.books import BadRow
from tillpost.store import queries
from tillpost.store.sqlite import Database

_PAGE = 10
"""Bodies of up to 5 MiB at once."""


class BadRowStore:
    """The table `bad_rows`. A row whose body was erased, or that had none, has an empty box."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = queries.load("bad_rows")

    def page(self, after: int, shop: str | None) -> list[tuple[int, BadRow]]:
        """The next ones after this number, of this shop or of all, the oldest first."""
        return self._found("page", {"after": after, "shop": shop, "limit": _PAGE})

    def one(self, number: int, shop: str | None) -> BadRow | None:
        """The row of this number; None if there is none of this shop."""
        found = self._found("one", {"id": number, "shop": shop})
        return found[0][1] if found else None

    def drop(self, number: int) -> None:
        """Forget a row: what it told is in the journal now."""
        self._db.write_now(lambda conn: conn.execute(self._sql["drop"], (number,)) and None)

    def _found(self, name: str, given: dict[str, Any]) -> list[tuple[int, BadRow]]:
        with self._db.reader() as conn:
            rows = conn.execute(self._sql[name], given).fetchall()
        return [(number, BadRow(*row)) for number, *row in rows]
