"""Facts and events as JSON for the disk, with addresses and user agents sealed apart.

Money inside open JSON values is read back as `Decimal`, so that no amount ever was a float.
"""

from decimal import Decimal
from typing import TypeVar

import msgspec

from tillpost.core.event import (
    BrowserSeen,
    Device,
    Event,
    Fact,
    OrderSeen,
    PrivacyAsked,
    RefundSeen,
    ServerSeen,
)
from tillpost.ports import Sealer

T = TypeVar("T", OrderSeen, BrowserSeen, ServerSeen, Event)

_encoder = msgspec.json.Encoder(decimal_format="number")
_facts = msgspec.json.Decoder(Fact, float_hook=Decimal)
_events = msgspec.json.Decoder(Event, float_hook=Decimal)
_devices = msgspec.json.Decoder(Device)
_NOBODY = Device()


def pack(value: Fact | Event, sealer: Sealer) -> tuple[bytes, bytes | None]:
    """JSON without the device, and the device's sealed box if there is one."""
    if isinstance(value, RefundSeen | PrivacyAsked) or value.device == _NOBODY:
        return _encoder.encode(value), None
    bare = msgspec.structs.replace(value, device=_NOBODY)
    return _encoder.encode(bare), sealer.seal(_encoder.encode(value.device))


def unpack_fact(text: bytes, box: bytes | None, sealer: Sealer) -> Fact:
    """What `pack` was given."""
    fact = _facts.decode(text)
    return fact if isinstance(fact, RefundSeen | PrivacyAsked) else _with_device(fact, box, sealer)


def unpack_event(text: bytes, box: bytes | None, sealer: Sealer) -> Event:
    """What `pack` was given."""
    return _with_device(_events.decode(text), box, sealer)


def _with_device(value: T, box: bytes | None, sealer: Sealer) -> T:
    if box is None:
        return value
    return msgspec.structs.replace(value, device=_devices.decode(sealer.open(box)))
