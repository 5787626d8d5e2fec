"""Browsers: what they block, what address they show, how long they keep cookies."""

from msgspec import Struct

from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.people import Person
from tillpost.simulate.places import USER_AGENTS
from tillpost.simulate.times import DAY


class Device(Struct, frozen=True):
    """One browser of one person, with its own cookies; `seen_ip` is what our server sees."""

    id: str
    person: int
    kind: str
    safari: bool
    user_agent: str
    ip: str
    seen_ip: str
    blocks_vendor: bool
    blocks_own: bool
    skew: float
    """Seconds by which the clock is off."""


class Cookies(Struct, frozen=True):
    """What the script finds or writes in the browser at one visit."""

    visitor: str
    fbp: str
    fbc: str | None
    expires: float


def main_kind(dice: Dice, who: Person) -> str:
    """The kind of device this person mostly uses."""
    return "phone" if dice.chance(0.60, "main-device", who.index) else "desktop"


def device(dice: Dice, knobs: Knobs, who: Person, kind: str) -> Device:
    """This person's browser of this kind: phone, desktop or in_app."""
    key = (who.index, kind)
    safari = kind != "in_app" and dice.chance(knobs.safari, "safari", *key)
    # One draw for both: whoever blocks our path blocks the vendor's host as well.
    blocker = dice.u("blocker", *key)
    blocks_own = blocker < knobs.own_block()
    office = dice.chance(knobs.office, "office", who.index)
    ip = _ip("office", who.index % 7) if office else _ip("home", who.index, kind)
    two = dice.chance(knobs.two_ips, "two-ips", *key)
    return Device(
        id=f"{who.id}.{kind}",
        person=who.index,
        kind=kind,
        safari=safari,
        user_agent=USER_AGENTS[kind, safari],
        ip=ip,
        seen_ip=_ip6(dice, key) if two else ip,
        blocks_vendor=blocks_own or blocker < knobs.vendor_block(kind),
        blocks_own=blocks_own,
        skew=_skew(dice, knobs, key),
    )


def scripts_run(who: Person, browser: Device) -> bool:
    """Whether our script may store and tell anything in this browser."""
    return not browser.blocks_own and who.consent in {"granted", "not_asked"}


def next_cookies(  # noqa: PLR0913  # one visit is these six facts
    dice: Dice, knobs: Knobs, browser: Device, old: Cookies | None, at: float, visit: str,
    fbclid: str | None, *, decorated: bool,
) -> Cookies:  # fmt: skip
    """The cookies after the landing of this visit, given those of the visit before."""
    cleared = dice.chance(knobs.cleared, "cleared", visit)
    kept = None if old is None or cleared or old.expires <= at else old
    life = (DAY if decorated else 7 * DAY) if browser.safari else 400 * DAY
    ms = int(at * 1000)
    digits = f"{int(dice.u('fbp', visit) * 10**18):018d}".lstrip("0") or "1"
    fbc = kept.fbc if kept else None
    if fbclid and (fbc is None or not fbc.endswith(f".{fbclid}")):
        fbc = f"fb.1.{ms}.{fbclid}"
    return Cookies(
        visitor=kept.visitor if kept else dice.uuid("visitor", visit),
        fbp=kept.fbp if kept else f"fb.1.{ms}.{digits}",
        fbc=fbc,
        expires=at + life,
    )


def _skew(dice: Dice, knobs: Knobs, key: tuple[int, str]) -> float:
    if not dice.chance(knobs.skew, "skew", *key):
        return 0.0
    return DAY if dice.chance(0.5, "skew-sign", *key) else -DAY


def _ip(*key: object) -> str:
    """A public address; the ranges kept for documents count as private and would be dropped."""
    number = int(Dice(0).u("ip", *key) * 2**24)
    return f"11.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def _ip6(dice: Dice, key: tuple[int, str]) -> str:
    h = dice.hexes(16, "ip6", *key)
    return f"2a10:{h[:4]}:{h[4:8]}:1::{h[8:12]}"
