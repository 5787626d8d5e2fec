"""Sealing what must not be read from disk: AES-GCM, a fresh nonce in front of every box.

A checksum behind it tells a box that the disk has damaged from one of another key.
"""

import base64
import binascii
import os
import secrets
import zlib
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tillpost.core.outcome import Misconfigured, Permanent
from tillpost.serve.private import write_private

_MARK = b"box1"
"""What a box with a checksum begins with; one byte of it may be damaged. Older boxes have none."""
_SUM = 4
_NONCE = 12
_COUNTER = 5
_KEY = 32
KEY_FILE = "key"
KEY_VARIABLE = "TILLPOST_KEY"


class Keys(NamedTuple):
    """The keys of a data directory, 32 bytes each: `current` seals, the `older` ones only open.

    The oldest stays for ever, for the ids of orders are derived from it.
    """

    current: bytes
    older: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The oldest key."""
        return self.older[-1] if self.older else self.current

    def __repr__(self) -> str:
        """Never shows a key."""
        return f"Keys({1 + len(self.older)})"


class AesSealer:
    """A sealer under one 32-byte key, that opens what older ones sealed as well."""

    def __init__(self, key: bytes, older: Iterable[bytes] = ()) -> None:
        self._box = AESGCM(key)
        self._keys = (self._box, *map(AESGCM, older))
        self._start = secrets.token_bytes(_NONCE - _COUNTER)
        self._numbers = count()

    def seal(self, plain: bytes) -> bytes:
        """A box that only `open` of the same key reads.

        A nonce never comes again: it is a random start of this sealer's own, and a counter.
        """
        nonce = self._start + next(self._numbers).to_bytes(_COUNTER, "big")
        box = _MARK + nonce + self._box.encrypt(nonce, plain, None)
        return box + _sum(box)

    def open(self, box: bytes) -> bytes:
        """What was sealed; raises `Misconfigured` if the key is another, `Permanent` if damaged."""
        is_whole = box[-_SUM:] == _sum(box[:-_SUM])
        bare = box[len(_MARK) : -_SUM] if is_whole else box
        nonce, sealed = bare[:_NONCE], bare[_NONCE:]
        for key in self._keys:
            try:
                return key.decrypt(nonce, sealed, None)
            except InvalidTag:
                continue
        if not is_whole and _is_marked(box):
            raise Permanent("a sealed row is damaged on the disk")
        raise Misconfigured(
            "a sealed row does not open: the sealing key is not the one it was sealed with"
        )


def _sum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_SUM, "big")


def _is_marked(box: bytes) -> bool:
    return sum(a == b for a, b in zip(box, _MARK, strict=False)) >= len(_MARK) - 1


def read_keys(directory: Path, environment: Mapping[str, str] = os.environ) -> Keys:
    """The keys: of `TILLPOST_KEY`, else of the file `TILLPOST_KEY_FILE`, else of `DIR/key`.

    As text they are base64, the newest first, a line or a comma apart. `DIR/key` is made at the
    first call (mode 0600); in production the key comes from outside the data directory.
    """
    text = environment.get(KEY_VARIABLE)
    if text:
        return parse_keys(text.encode(), KEY_VARIABLE)
    path = key_file(directory, environment)
    if path == directory / KEY_FILE and not path.exists():
        write_private(path, secrets.token_bytes(32))
    try:
        return parse_keys(path.read_bytes(), str(path))
    except OSError as error:
        raise Misconfigured(f"cannot read the key {path} ({error.strerror})") from None


def key_file(directory: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the keys stand, if they stand in a file."""
    given = environment.get(f"{KEY_VARIABLE}_FILE")
    return Path(given) if given else directory / KEY_FILE


def write_keys(path: Path, keys: Keys) -> None:
    """Put the keys into a file, the newest first."""
    lines = [base64.b64encode(key) for key in (keys.current, *keys.older)]
    write_private(path, b"\n".join(lines) + b"\n")


def parse_keys(data: bytes, where: str) -> Keys:
    """The keys of a file or a variable; raises `Misconfigured`, naming `where`, for no keys."""
    if len(data) == _KEY:
        return Keys(data)
    try:
        found = [base64.b64decode(part, validate=True) for part in data.replace(b",", b" ").split()]
    except binascii.Error:
        found = []
    if not found or any(len(key) != _KEY for key in found):
        raise Misconfigured(
            f"{where} is damaged: a sealing key is 32 bytes, as base64 or plain; restore it"
        )
    return Keys(found[0], tuple(found[1:]))
