"""How each ad account was read last."""

from msgspec import Struct, structs

from tillpost.store import queries
from tillpost.store.sqlite import Database


class Pull(Struct, frozen=True):
    """One account: when it was tried and read last (Unix seconds), and when it is due again.

    `rows_read` is of the last time that it was read; `trouble` is None if the last try was good.
    """

    shop: str
    platform: str
    account_id: str
    tried_at: float
    read_at: float | None
    rows_read: int
    trouble: str | None
    next_at: float


class PullStore:
    """The table `pulls` of the gateway's database."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = queries.load("pulls")

    def note(self, pull: Pull) -> None:
        """Keep how a try went; a try that failed leaves what was read before."""
        values = structs.astuple(pull)
        self._db.write_now(lambda conn: conn.execute(self._sql["put_pull"], values) and None)

    def all(self) -> list[Pull]:
        """Every account that was ever tried."""
        with self._db.reader() as conn:
            return [Pull(*row) for row in conn.execute(self._sql["pulls"])]
