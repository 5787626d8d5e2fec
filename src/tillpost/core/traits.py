"""What else came with an event, as one number: for quality figures, without the values."""

from collections.abc import Mapping
from enum import IntFlag
from typing import Any


class Trait(IntFlag):
    """Things an event can have beside its match keys."""

    IP = 1
    USER_AGENT = 2
    URL = 4
    LDU = 8
    OPT_OUT = 16
    REFERRER = 32


def traits_of(event: Mapping[str, Any], user_data: Mapping[str, Any]) -> int:
    """The traits of an event in CAPI's shape, as a bit mask."""
    seen = 0
    for key, bit in _OF_USER:
        if user_data.get(key):
            seen |= bit
    for key, bit in _OF_EVENT:
        if event.get(key):
            seen |= bit
    return seen | _OPT_OUT if event.get("opt_out") is True else seen


_OF_USER = (("client_ip_address", int(Trait.IP)), ("client_user_agent", int(Trait.USER_AGENT)))
_OF_EVENT = (
    ("event_source_url", int(Trait.URL)),
    ("data_processing_options", int(Trait.LDU)),
    ("referrer_url", int(Trait.REFERRER)),
)
_OPT_OUT = int(Trait.OPT_OUT)
