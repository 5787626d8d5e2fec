"""Facts and events as JSON for the disk, with addresses and user agents sealed apart.

Money inside open JSON values is read back as `Decimal`, so that no amount ever was a float.
A checksum is the JSON's last member: a bit that the disk has flipped is found, and never sent.
Rows of before have none.
"""

import contextlib
import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from tillpost.core.event import (
    NAMELESS,
    Device,
    Event,
    Fact,
    PrivacyAsked,
)
from tillpost.core.outcome import Permanent
from tillpost.ports import Sealer

K = TypeVar("K")
_encoder = msgspec.json.Encoder(decimal_format="number")
_facts = msgspec.json.Decoder(Fact, float_hook=Decimal)
_events = msgspec.json.Decoder(Event, float_hook=Decimal)
_NOBODY = Device()
_SUM = b',"crc32":"'
_SUM_LENGTH = len(_SUM) + len('00000000"}')
_WITHOUT_DEVICE = NAMELESS | PrivacyAsked


def pack(value: Fact | Event, sealer: Sealer) -> tuple[bytes, bytes | None]:
    """JSON without the device, and the device's sealed box if there is one."""
    if isinstance(value, _WITHOUT_DEVICE) or value.device == _NOBODY:
        return _summed(_encoder.encode(value)), None
    bare = msgspec.structs.replace(value, device=_NOBODY)
    return _summed(_encoder.encode(bare)), sealer.seal(_encoder.encode(value.device))


def unpack_fact(text: bytes, box: bytes | None, sealer: Sealer) -> Fact:
    """What `pack` was given; raises `Permanent` for a damaged row, else as `Sealer.open`."""
    fact: Fact = _decoded(_facts, text, box, sealer)
    return fact


def unpack_event(text: bytes, box: bytes | None, sealer: Sealer) -> Event:
    """What `pack` was given; raises as `unpack_fact`."""
    event: Event = _decoded(_events, text, box, sealer)
    return event


def readable_fact(text: bytes, box: bytes | None, sealer: Sealer) -> Fact | None:
    """What `pack` was given, or None if the row is damaged; a wrong key is no damage."""
    try:
        return unpack_fact(text, box, sealer)
    except Permanent:
        return None


def readable_event(text: bytes, box: bytes | None, sealer: Sealer) -> Event | None:
    """What `pack` was given, or None if the row is damaged; a wrong key is no damage."""
    try:
        return unpack_event(text, box, sealer)
    except Permanent:
        return None


def is_damaged_fact(text: bytes) -> bool:
    """Whether a fact's JSON is damaged, whatever there is of its device's box."""
    return _is_damaged(_facts, text)


def is_damaged_event(text: bytes) -> bool:
    """The same of an event's JSON."""
    return _is_damaged(_events, text)


def readable(boxes: Iterable[tuple[K, bytes]], sealer: Sealer) -> dict[K, bytes]:
    """What is in these boxes, by their names, without those that are damaged."""
    found = {}
    for name, box in boxes:
        with contextlib.suppress(Permanent):
            found[name] = sealer.open(box)
    return found


def _decoded(
    decoder: msgspec.json.Decoder[Any], text: bytes, box: bytes | None, sealer: Sealer
) -> Any:
    if _has_sum(text) and not _is_whole(text):
        raise Permanent("a row's checksum is another: it is damaged on the disk")
    try:
        return decoder.decode(_with_device(text, box, sealer))
    except (msgspec.MsgspecError, UnicodeError):
        raise Permanent("a row cannot be read: it is damaged on the disk") from None


def _is_damaged(decoder: msgspec.json.Decoder[Any], text: bytes) -> bool:
    if _has_sum(text):
        return not _is_whole(text)
    try:
        decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return True
    return False


def _has_sum(text: bytes) -> bool:
    return text.startswith(_SUM, len(text) - _SUM_LENGTH)


def _is_whole(text: bytes) -> bool:
    return text == _summed(text[: len(text) - _SUM_LENGTH] + b"}")


def _summed(text: bytes) -> bytes:
    return b'%b%b%08x"}' % (text[:-1], _SUM, zlib.crc32(text))


def _with_device(text: bytes, box: bytes | None, sealer: Sealer) -> bytes:
    """The JSON with the device put back as its last member, so that it is read at one go."""
    return text if box is None else b'%b,"device":%b}' % (text[:-1], sealer.open(box))
