"""The shop's webhooks that lead here: which there were last, and which are gone."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, structs

from tillpost.store import queries
from tillpost.store.sqlite import Database


class ShopWebhook(Struct, frozen=True):
    """One webhook; times in Unix seconds.

    `given` is what the shop's API takes to make it, as JSON. `gone_at` is since when the shop
    does not list it, `made_at` when it was made again last, `trouble` why it could not be.
    """

    given: str
    topic: str
    made_at: float | None = None
    gone_at: float | None = None
    trouble: str | None = None


class ShopWebhookStore:
    """The table `shop_webhooks` of the gateway's database."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._sql = queries.load("shop_webhooks")

    def of(self, shop: str) -> list[ShopWebhook]:
        """Those of this shop, by topic."""
        with self._db.reader() as conn:
            return [ShopWebhook(*row) for row in conn.execute(self._sql["of"], (shop,))]

    def keep(self, shop: str, webhooks: Iterable[ShopWebhook]) -> None:
        """Keep these of the shop instead of those that were."""
        rows = [(shop, *structs.astuple(one)) for one in webhooks]

        def work(conn: Any) -> None:
            conn.execute(self._sql["clear"], (shop,))
            conn.executemany(self._sql["put"], rows)

        self._db.write_now(work)
