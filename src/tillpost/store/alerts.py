"""The alerts that were told and have not ended."""

from msgspec import Struct, structs

from tillpost.store import queries
from tillpost.store.sqlite import Database


class Told(Struct, frozen=True):
    """An alert that its owner was told of; `began_at` in Unix seconds."""

    shop: str
    code: str
    began_at: float
    words: str


class AlertStore:
    """The table `alerts` of a database of its own."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = queries.load("alerts")

    def open(self) -> list[Told]:
        """Every alert that has not ended."""
        with self._db.reader() as conn:
            return [Told(*row) for row in conn.execute(self._sql["alerts"])]

    def begin(self, told: Told) -> None:
        """Keep that its owner was told."""
        values = structs.astuple(told)
        self._db.write_now(lambda conn: conn.execute(self._sql["begin"], values) and None)

    def end(self, told: Told) -> None:
        """Forget an alert once its owner was told that it ended."""
        values = (told.shop, told.code)
        self._db.write_now(lambda conn: conn.execute(self._sql["end"], values) and None)
