"""New rules repair history, and what was called otherwise before is kept."""

from pathlib import Path

from msgspec import structs

from tillpost.core import channel
from tillpost.serve.clock import SimulatedClock
from tillpost.serve.rounds.reclassifying import Reclassifier
from tillpost.serve.seal import AesSealer
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.sqlite import Database
from tillpost.store.touches import TouchStore
from tillpost.testing import entries as make
from tillpost.testing.entries import NOW, SHOP
from tillpost.testing.gateway_store import touch

OWN = channel.OwnRule("Partners", (channel.Condition("source", "exact", "news"),))
NEWS = "https://demo-shop.example/tea?utm_source=News&utm_medium=email"


def test_landings_get_their_new_names_and_the_old_ones_are_kept(tmp_path: Path) -> None:
    database = Database(tmp_path / "tillpost.db", "gateway")
    try:
        store = GatewayStore(database, AesSealer(b"k" * 32))
        kept = [touch(NOW - n, url=NEWS, rules=0) for n in range(3)]
        internal = touch(NOW + 5, url=NEWS, referrer="https://own.example/", rules=0)
        store.commit(make.changes(touches=[*kept, internal]))
        shop = structs.replace(make.shop(), channels=(OWN,), hosts=frozenset({"own.example"}))
        touches = TouchStore(database)
        clock = SimulatedClock(float(NOW))
        again = Reclassifier([shop], touches, clock)

        assert again.once() == 4
        assert again.once() == 0

        columns, rows = store.tables(["touches"])["touches"]
        found = [dict(zip(columns, row, strict=True)) for row in rows]
        assert [(row["channel"], row["source"]) for row in found] == [("Partners", "news")] * 3
        assert {row["rules"] for row in found} == {channel.version((OWN,))}
        past = [told for _, told in touches.past()]
        assert [(told["channel"], told["rules"]) for told in past] == [("Email", 0)] * 4
        assert all("visitor_id" not in told for told in past)
        _, faults = store.tables(["tag_faults"])["tag_faults"]
        assert [(row[0], row[7], row[9]) for row in faults] == [(SHOP, "upper_case", 3)]

        plain = structs.replace(shop, hosts=frozenset())
        back = Reclassifier([structs.replace(plain, channels=())], touches, clock)
        assert back.once() == 4
        assert len(store.tables(["touches"])["touches"][1]) == 4
    finally:
        database.close()


def test_two_names_of_one_landing_become_one(tmp_path: Path) -> None:
    database = Database(tmp_path / "tillpost.db", "gateway")
    try:
        store = GatewayStore(database, AesSealer(b"k" * 32))
        store.commit(make.changes(touches=[touch(url=NEWS, rules=0, channel="Email")]))
        store.commit(make.changes(touches=[touch(url=NEWS, rules=0, channel="Referral")]))
        again = Reclassifier([make.shop()], TouchStore(database), SimulatedClock(float(NOW)))
        while again.once():
            pass
        assert len(store.tables(["touches"])["touches"][1]) == 1
    finally:
        database.close()
