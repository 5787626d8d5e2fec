"""How the shop's own list of its orders compares with ours, as it was found last."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, structs

from tillpost.store import queries
from tillpost.store.sqlite import Database


class Check(Struct, frozen=True):
    """How a shop's list was read last; times in Unix seconds.

    Orders made from `since` to `until` were all compared. `orders` and `right_orders` (here,
    as the shop has them, and delivered or left out everywhere) are of the last reading;
    `fetched` is the number of orders taken in late: of this reading as it is noted, of all
    as it is read. `trouble` is None if the last try was good.
    """

    shop: str
    since: float
    until: float | None
    tried_at: float
    read_at: float | None
    orders: int
    right_orders: int
    fetched: int
    trouble: str | None
    next_at: float


class CheckStore:
    """The tables `shop_checks` and `shop_orders` of the gateway's database."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = queries.load("checks")

    def all(self) -> list[Check]:
        """Every shop whose list was ever asked for."""
        with self._db.reader() as conn:
            return [Check(*row) for row in conn.execute(self._sql["checks"])]

    def of(self, shop: str) -> Check | None:
        """How this shop's list was read last, if it ever was."""
        return next((check for check in self.all() if check.shop == shop), None)

    def note(self, check: Check) -> None:
        """Keep how a try went; one that failed leaves what was found before."""
        values = structs.asdict(check)
        self._db.write_now(lambda conn: conn.execute(self._sql["put_check"], values) and None)

    def first_heard(self, shop: str) -> float | None:
        """When the first webhook came that is still in the journal."""
        with self._db.reader() as conn:
            found: float | None = conn.execute(self._sql["first_heard"], (shop,)).fetchone()[0]
            return found

    def known(self, shop: str, orders: Iterable[str]) -> list[tuple[str, int, str, int]]:
        """(order id, total, currency, given back) of those of these orders that are here."""
        given = {"shop": shop, "orders": json.dumps(list(orders))}
        with self._db.reader() as conn:
            return conn.execute(self._sql["known"], given).fetchall()

    def settled(self, shop: str, orders: Iterable[str]) -> int:
        """How many have a Purchase that every destination took or a rule left out."""
        given = {"shop": shop, "orders": json.dumps(list(orders))}
        with self._db.reader() as conn:
            found: int = conn.execute(self._sql["settled"], given).fetchone()[0]
            return found

    def missing(self) -> dict[str, int]:
        """Shop -> orders that it has and that are still not here, or not so."""
        with self._db.reader() as conn:
            return dict(conn.execute(self._sql["missing"]).fetchall())

    def listed(self, shop: str) -> list[tuple[Any, ...]]:
        """What of this shop still differs, as `keep` takes it; not what could not be read."""
        with self._db.reader() as conn:
            return conn.execute(self._sql["listed"], (shop,)).fetchall()

    def correct(
        self, shop: str, gone: Iterable[str], differences: Sequence[tuple[Any, ...]]
    ) -> None:
        """Forget these orders, which the shop no longer has, and keep these differences anew."""
        given = {"shop": shop, "orders": json.dumps(list(gone))}
        rows = [(shop, *row) for row in differences]

        def work(conn: Any) -> None:
            conn.execute(self._sql["remove_orders"], given)
            conn.executemany(self._sql["put_order"], rows)

        self._db.write_now(work)

    def keep(
        self,
        shop: str,
        compared: Iterable[str],
        differences: Sequence[tuple[Any, ...]],
        since: float,
    ) -> None:
        """Keep what differs of the orders that were compared, instead of what did before.

        All that were made from `since` on were told. A difference is (order id, name, time,
        total, currency, given back, why).
        """
        given = {"shop": shop, "orders": json.dumps(list(compared)), "since": since}
        rows = [(shop, *row) for row in differences]

        def work(conn: Any) -> None:
            conn.execute(self._sql["clear_orders"], given)
            conn.executemany(self._sql["put_order"], rows)

        self._db.write_now(work)
