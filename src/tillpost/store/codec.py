"""Facts and events as JSON for the disk, with addresses and user agents sealed apart.

Money inside open JSON values is read back as `Decimal`, so that no amount ever was a float.
"""

from decimal import Decimal

import msgspec

from tillpost.core.event import (
    NAMELESS,
    Device,
    Event,
    Fact,
    PrivacyAsked,
)
from tillpost.ports import Sealer

_encoder = msgspec.json.Encoder(decimal_format="number")
_facts = msgspec.json.Decoder(Fact, float_hook=Decimal)
_events = msgspec.json.Decoder(Event, float_hook=Decimal)
_NOBODY = Device()
_WITHOUT_DEVICE = NAMELESS | PrivacyAsked


def pack(value: Fact | Event, sealer: Sealer) -> tuple[bytes, bytes | None]:
    """JSON without the device, and the device's sealed box if there is one."""
    if isinstance(value, _WITHOUT_DEVICE) or value.device == _NOBODY:
        return _encoder.encode(value), None
    bare = msgspec.structs.replace(value, device=_NOBODY)
    return _encoder.encode(bare), sealer.seal(_encoder.encode(value.device))


def unpack_fact(text: bytes, box: bytes | None, sealer: Sealer) -> Fact:
    """What `pack` was given."""
    fact: Fact = _facts.decode(_with_device(text, box, sealer))
    return fact


def unpack_event(text: bytes, box: bytes | None, sealer: Sealer) -> Event:
    """What `pack` was given."""
    return _events.decode(_with_device(text, box, sealer))


def readable_fact(text: bytes, box: bytes | None, sealer: Sealer) -> Fact | None:
    """What `pack` was given, or None if the JSON is damaged; a wrong key is no damage."""
    try:
        return unpack_fact(text, box, sealer)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def readable_event(text: bytes, box: bytes | None, sealer: Sealer) -> Event | None:
    """What `pack` was given, or None if the JSON is damaged; a wrong key is no damage."""
    try:
        return unpack_event(text, box, sealer)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _with_device(text: bytes, box: bytes | None, sealer: Sealer) -> bytes:
    """The JSON with the device put back as its last member, so that it is read at one go."""
    return text if box is None else b'%b,"device":%b}' % (text[:-1], sealer.open(box))
