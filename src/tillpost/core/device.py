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


def shopper(address: str | None, agent: str | None) -> Device:
    """The pair that one request told; an address that is not public is nobody's."""
    return Device(address if address and is_public(address) else None, agent or None)
