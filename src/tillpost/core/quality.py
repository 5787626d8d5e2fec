"""How well events can be matched before anyone has tried: an estimate of ours, not Meta's score.

Meta shows an Event Match Quality out of 10 and publishes neither weights nor formula. This
estimate says, by the table `WEIGHTS`, how likely it is that at least one key finds the person:
10 x (1 - product of (1 - weight x coverage)). It orders events sensibly and shows which key
is missed most; its absolute value means nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, Final

from msgspec import Struct

from tillpost.core.rule import absent


class Weight(Struct, frozen=True):
    """A group of keys that count once: where any of them is there, or only where `every` one is."""

    name: str
    keys: tuple[str, ...]
    weight: float
    every: bool = False


WEIGHTS: Final = (
    Weight("em", ("em",), 0.55),
    Weight("platform id", ("madid", "lead_id", "fb_login_id", "ctwa_clid"), 0.50),
    Weight("ph", ("ph",), 0.45),
    Weight("fbc", ("fbc",), 0.45),
    Weight("external_id", ("external_id",), 0.30),
    Weight("browser", ("client_ip_address", "client_user_agent"), 0.30, every=True),
    Weight("fbp", ("fbp",), 0.25),
    Weight("name", ("fn", "ln"), 0.15, every=True),
    Weight("db", ("db",), 0.10),
    Weight("place", ("ct", "st", "zp", "country"), 0.10),
)
"""Our weights: the chance that a key, where it is present, finds the person. The order follows
what Meta calls its highest and high priorities; the numbers are ours."""


class Share(Struct, frozen=True):
    """One key over a batch: the share of events that carry it, and what having it always would add.

    `gain` is in points of the estimate.
    """

    name: str
    coverage: float
    gain: float


class Quality(Struct, frozen=True):
    """The estimate of a batch, out of 10, and its keys, the greatest gain first."""

    events: int
    estimate: float
    shares: tuple[Share, ...]


def estimate(user_data_keys: Iterable[str]) -> float:
    """The estimate for one event that carries these `user_data` keys, 0 to 10, one decimal."""
    present = frozenset(user_data_keys)
    return _score({row.name: float(_carries(row, present)) for row in WEIGHTS})


def coverage(batch: Sequence[Mapping[str, Any]]) -> Quality:
    """The estimate over the `user_data` of many events, and the share of each key among them.

    A key without a value counts as absent. An empty batch has an estimate of 0.
    """
    carried = [
        frozenset(key for key, value in user_data.items() if not absent(value))
        for user_data in batch
    ]
    shares = {
        row.name: sum(_carries(row, keys) for keys in carried) / max(len(carried), 1)
        for row in WEIGHTS
    }
    score = _score(shares)
    told = [
        Share(name, round(share, 4), round(_score({**shares, name: 1.0}) - score, 1))
        for name, share in shares.items()
    ]
    return Quality(len(batch), score, tuple(sorted(told, key=lambda share: -share.gain)))


def of_shares(shares: Mapping[str, float]) -> float:
    """The estimate where each key of `shares` is carried by that share of events, 0 to 1.

    Names are those of `WEIGHTS`; one that is missing counts as 0.
    """
    return _score({row.name: shares.get(row.name, 0.0) for row in WEIGHTS})


def _carries(row: Weight, present: frozenset[str]) -> bool:
    return (all if row.every else any)(key in present for key in row.keys)


def _score(shares: Mapping[str, float]) -> float:
    return round(10 * (1 - prod(1 - row.weight * shares[row.name] for row in WEIGHTS)), 1)
