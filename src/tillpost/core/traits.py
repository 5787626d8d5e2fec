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
    seen = Trait(0)
    if user_data.get("client_ip_address"):
        seen |= Trait.IP
    if user_data.get("client_user_agent"):
        seen |= Trait.USER_AGENT
    if event.get("event_source_url"):
        seen |= Trait.URL
    if event.get("data_processing_options"):
        seen |= Trait.LDU
    if event.get("opt_out") is True:
        seen |= Trait.OPT_OUT
    if event.get("referrer_url"):
        seen |= Trait.REFERRER
    return int(seen)
