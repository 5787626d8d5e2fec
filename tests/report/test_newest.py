"""The newest orders that are chosen are those of the reports, from the facts and from a roll-up."""

import random
from typing import Any

import pytest
from msgspec import structs
from tests.report.test_rollup import ZONE, facts

from tillpost.report import reconcile, roas
from tillpost.report.newest import Chosen, newest
from tillpost.report.query import Query
from tillpost.report.rollup import RollUp
from tillpost.serve.clock import unix


@pytest.fixture(params=[1])
def dice(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.param)


def test_of_a_place_and_of_buyers(shop: Any, dice: random.Random) -> None:
    tables, query = facts(shop, dice), Query()
    held = RollUp(tables, {"demo": ZONE})
    rows = roas.orders(tables, query)
    rows.sort(key=lambda row: (row["at"], row["order_id"]), reverse=True)
    one = dice.choice(rows)
    places = [{name: one[name] or ""} for name in ("channel", "campaign_key", "ad_id")]
    for place in ({"returning": one["returning"]}, *places, {**places[0], **places[1]}):
        fit = [row for row in rows if all(_same(row[k], v) for k, v in place.items())]
        ids = [row["order_id"] for row in fit]
        chosen = Chosen(**place, limit=3)
        after = structs.replace(chosen, before=(int(unix(fit[0]["at"])), ids[0]))
        for asked, wanted in ((chosen, ids[:3]), (after, ids[1:4])):
            assert newest(tables, query, asked) == wanted, place
            assert newest(held.question("orders", query), query, asked) == wanted, place
    held.close()


def _same(value: Any, wanted: Any) -> bool:
    return bool(("" if value is None else value) == wanted)


def test_of_a_reason(shop: Any, dice: random.Random) -> None:
    tables, query = facts(shop, dice), Query()
    held = RollUp(tables, {"demo": ZONE})
    found = reconcile.reconcile(tables, query)
    for reason in {row["reason"] for row in found}:
        ids = {row["order_id"] for row in found if row["reason"] == reason}
        chosen = Chosen(reason=reason, limit=99)
        assert set(newest(tables, query, chosen)) == ids
        assert set(newest(held.question("reasons", query), query, chosen)) == ids
    held.close()
