"""Addresses and user agents of shoppers: what may stand for one, and what may not."""

import ipaddress
from functools import lru_cache

from tillpost.core.event import Device


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether the address is one of the open Internet: not private, not loopback, not a name."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def plain(address: str) -> str:
    """The address itself: `203.0.113.7` of `::ffff:203.0.113.7`.

    A server that listens to both kinds writes the older one so. What is no address stays.
    """
    tail = address.rpartition(":")[2]
    return tail if address.lower() == f"::ffff:{tail}" and "." in tail else address


def shopper(address: str | None, agent: str | None) -> Device:
    """The pair that one request told; an address that is not public is nobody's."""
    told = plain(address or "")
    return Device(told if is_public(told) else None, agent or None)
