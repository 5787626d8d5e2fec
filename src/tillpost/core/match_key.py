"""What identifies a person at the platform: match keys as short binary values.

A key is one byte of `Code` and the first 16 bytes of a SHA-256, so that no raw
identifier and no full hash is needed to match. Only `user_data` in CAPI's shape is
read here (meta-capi 3.1, 3.4, 3.5): hashed fields by their hash, `fbc` by the click
id inside it, `fbp` and platform ids by their value.
"""

import re
from binascii import unhexlify
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

Key: TypeAlias = bytes
"""17 bytes: the code, then 16 bytes of SHA-256."""

KEY_BYTES = 17

Reader: TypeAlias = Callable[[str], tuple[Key, ...]]
"""Makes keys of one value; none if it identifies nobody."""

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing: what some SDKs send for a blank field. It identifies nobody."""


class Code(IntEnum):
    """The match keys that are kept, with the number that stands for each on disk."""

    em = 1
    ph = 2
    external_id = 3
    fbc = 4
    fbp = 5
    madid = 6
    lead_id = 7
    fb_login_id = 8
    ctwa_clid = 9
    page_scoped_user_id = 10
    ig_sid = 11
    anon_id = 12
    subscription_id = 13
    fn = 21
    ln = 22
    db = 23
    ge = 24
    ct = 25
    st = 26
    zp = 27
    country = 28


NAMES: dict[int, str] = {code.value: code.name for code in Code}
"""Number on disk -> name of the match key."""

_HASHED = ("em", "ph", "fn", "ln", "db", "ge", "ct", "st", "zp", "country")
_PLAIN = (
    "madid",
    "lead_id",
    "fb_login_id",
    "ctwa_clid",
    "page_scoped_user_id",
    "ig_sid",
    "anon_id",
    "subscription_id",
)
_APPENDIX = r"(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?"
_SHA256 = re.compile(rf"([0-9a-fA-F]{{64}}){_APPENDIX}")
_FBC = re.compile(rf"fb\.[0-9]{{1,2}}\.[0-9]{{10,16}}\.(.+?){_APPENDIX}", re.DOTALL)
_FBP = re.compile(rf"(fb\.[0-9]{{1,2}}\.[0-9]{{10,16}}\.[0-9]+){_APPENDIX}")
_EMPTY_DIGEST = bytes.fromhex(EMPTY_SHA256)
_HEX = 64
_MOST_VALUES = 32


class Found(NamedTuple):
    """The keys of one `user_data`, and the fields with a value that identifies nobody."""

    keys: tuple[Key, ...]
    unusable: tuple[str, ...]


def find(user_data: Mapping[str, Any]) -> Found:
    """The match keys in CAPI's `user_data`; unknown fields and nulls are ignored.

    A value of a hashed field that is no SHA-256 is not a key: it may be a raw
    identifier, and is forgotten here. `external_id` may come raw or hashed.
    """
    keys: dict[Key, None] = {}
    unusable: list[str] = []
    for name, mark, read in _READERS:
        given = user_data.get(name)
        if given is None:
            continue
        digest = _only_digest(given) if mark else None
        if digest is not None:
            keys[mark + digest[:16]] = None
            continue
        for value in _values(given):
            read_keys = read(value)
            for key in read_keys:
                keys[key] = None
            if not read_keys:
                unusable.append(name)
    return Found(tuple(keys), tuple(dict.fromkeys(unusable)))


def of_value(code: Code, value: str) -> Key:
    """The key of a value that is not hashed yet: a click id, an `fbp`, a platform's id."""
    return bytes((code,)) + sha256(value.encode()).digest()[:16]


def of_hash(code: Code, digest: str) -> Key:
    """The key of a SHA-256 in hex."""
    return bytes((code,)) + bytes.fromhex(digest[:32])


def of_click(click_id: str) -> Key | None:
    """The key of a click: the bare `fbclid`, or an `fbc` that holds it; None if there is none."""
    click_id = click_id.strip()
    if not click_id:
        return None
    found = _FBC.fullmatch(click_id)
    return of_value(Code.fbc, found.group(1) if found else click_id)


def names(keys: Iterable[Key]) -> tuple[str, ...]:
    """The distinct names of these keys, in their order: `("em", "ph")`."""
    return _names(bytes([key[0] for key in keys]))


@lru_cache(maxsize=4096)  # of the few combinations that senders send
def _names(codes: bytes) -> tuple[str, ...]:
    return tuple(dict.fromkeys(NAMES.get(code, "?") for code in codes))


def pack(keys: Iterable[Key]) -> bytes:
    """Keys as one value for a column."""
    return b"".join(keys)


def unpack(packed: bytes) -> tuple[Key, ...]:
    """What `pack` was given."""
    return tuple(packed[i : i + KEY_BYTES] for i in range(0, len(packed), KEY_BYTES))


def _values(given: Any) -> list[str]:
    several = given if isinstance(given, list | tuple) else [given]
    if len(several) == 1 and isinstance(several[0], str):
        return [several[0]] if several[0] else []
    return [
        str(value)
        for value in several[:_MOST_VALUES]
        if isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    ]


def _only_digest(given: Any) -> bytes | None:
    """The 32 bytes of a value that is one plain SHA-256, as most are; None for anything else."""
    value = given[0] if type(given) is list and len(given) == 1 else given
    if type(value) is not str or len(value) != _HEX:
        return None
    try:
        digest = unhexlify(value)
    except ValueError:
        return None
    return None if digest == _EMPTY_DIGEST else digest


def _hashed(code: Code) -> Reader:
    mark = bytes((code,))

    def read(value: str) -> tuple[Key, ...]:
        found = _SHA256.fullmatch(value)
        digest = bytes.fromhex(found[1]) if found else _EMPTY_DIGEST
        return () if digest == _EMPTY_DIGEST else (mark + digest[:16],)

    return read


_read_hashed_id = _hashed(Code.external_id)


def _external_id(value: str) -> tuple[Key, ...]:
    """A hash, or both spellings that senders hash: as it is, and in lower case without space."""
    if _SHA256.fullmatch(value):
        return _read_hashed_id(value)
    spellings = (value.strip(), "".join(value.split()).lower())
    return tuple(of_value(Code.external_id, text) for text in dict.fromkeys(spellings) if text)


def _fbc(value: str) -> tuple[Key, ...]:
    key = of_click(value) if _FBC.fullmatch(value) else None
    return (key,) if key else ()


def _fbp(value: str) -> tuple[Key, ...]:
    found = _FBP.fullmatch(value)
    return (of_value(Code.fbp, found.group(1)),) if found else ()


def _plain(code: Code) -> Reader:
    def read(value: str) -> tuple[Key, ...]:
        return (of_value(code, value.strip().lower()),)

    return read


_READERS: tuple[tuple[str, bytes, Reader], ...] = (
    *((name, bytes((Code[name],)), _hashed(Code[name])) for name in _HASHED),
    ("external_id", bytes((Code.external_id,)), _external_id),
    ("fbc", b"", _fbc),
    ("fbp", b"", _fbp),
    *((name, b"", _plain(Code[name])) for name in _PLAIN),
)
"""Field, the mark of its key if one plain SHA-256 is all it takes, and what reads other values."""
