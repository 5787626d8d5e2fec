"""Match keys: whether the sales carry what a platform knows people by, and how they would."""

from collections.abc import Mapping
from typing import NamedTuple

from tillpost.core.quality import Quality, coverage
from tillpost.serve.doctor.line import Line, ok, warn
from tillpost.store.glance import Glance

FEW = 10
"""So many sales say nothing yet."""
SALES = 200
"""So many of the latest are judged."""
FEW_MATCHED = 0.5
"""Where the platform knows fewer buyers than this, its accounts are other people's."""


class Wanted(NamedTuple):
    """A match key: the share of sales that should carry it, and what brings it."""

    least: float
    fix: str


WANTED: Mapping[str, Wanted] = {
    "em": Wanted(
        0.8,
        "let the shop ask for the e-mail; a Shopify app needs access to protected customer data "
        "(level 2), a back end sends user_data.em",
    ),
    "ph": Wanted(0.1, "let the checkout ask for the telephone number, and set the shop's country"),
    "fbp": Wanted(0.4, "put the script on every page, the thank-you page too: tillpost snippet"),
    "browser": Wanted(
        0.4,
        "put the script on the thank-you page: it brings the buyer's own address and browser; "
        "behind a proxy set server.trusted_proxies",
    ),
    "external_id": Wanted(0.3, "let customers sign in, or send the customer's id of your system"),
    "name": Wanted(0.5, "let the shop ask for a billing address; a back end sends fn and ln"),
    "place": Wanted(0.8, "let the shop ask for a billing address; a back end sends ct, st, zp"),
}
"""What nearly every shop has. The shares are ours: below them something is not connected."""


def lines(shop: str, glance: Glance) -> list[Line]:
    """One line for every key that too few sales carry; one that all is well, if it is."""
    carried = glance.purchase_keys(SALES)
    if len(carried) < FEW:
        return [ok("match keys", f"{shop}: {len(carried)} sales, too few to judge")]
    found = coverage([dict.fromkeys(keys, True) for keys in carried])
    poor = [_poor(shop, found, name) for name in _below(found)]
    return [*(poor or [_well(shop, found)]), *_known(shop, glance.matches())]


def _below(found: Quality) -> list[str]:
    """The keys that too few sales carry, the greatest loss first."""
    shares = [share for share in found.shares if share.name in WANTED]
    return [s.name for s in shares if s.coverage < WANTED[s.name].least]


def _poor(shop: str, found: Quality, name: str) -> Line:
    share = next(share for share in found.shares if share.name == name)
    told = (
        f"{shop}: {name} in {share.coverage:.0%} of the last {found.events} sales; in all of "
        f"them it would add {share.gain:.1f} to an estimate of {found.estimate:.1f} of 10"
    )
    return warn("match keys", told, WANTED[name].fix)


def _well(shop: str, found: Quality) -> Line:
    shares = ", ".join(f"{s.name} {s.coverage:.0%}" for s in found.shares if s.name in WANTED)
    return ok("match keys", f"{shop}: estimate {found.estimate:.1f} of 10 ({shares})")


def _known(shop: str, matches: Mapping[str, tuple[bool, bool]]) -> list[Line]:
    """Whether enough buyers are known to the platform, where that is told."""
    if len(matches) < FEW:
        return []
    known = sum(matched for matched, _ in matches.values())
    told = f"{shop}: {known} of {len(matches)} buyers are known to the platform"
    if known < FEW_MATCHED * len(matches):
        fix = "see which keys the orders bring: the e-mail and the telephone number match best"
        return [warn("match keys", told, fix)]
    return [ok("match keys", told)]
