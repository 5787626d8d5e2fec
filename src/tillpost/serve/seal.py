"""Sealing what must not be read from disk: AES-GCM, a fresh nonce in front of every box."""

import secrets
from itertools import count
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tillpost.core.outcome import Misconfigured
from tillpost.serve.private import write_private

_NONCE = 12
_COUNTER = 5
KEY_FILE = "key"


class AesSealer:
    """A sealer under one 32-byte key."""

    def __init__(self, key: bytes) -> None:
        self._box = AESGCM(key)
        self._start = secrets.token_bytes(_NONCE - _COUNTER)
        self._numbers = count()

    def seal(self, plain: bytes) -> bytes:
        """A box that only `open` of the same key reads.

        A nonce never comes again: it is a random start of this sealer's own, and a counter.
        """
        nonce = self._start + next(self._numbers).to_bytes(_COUNTER, "big")
        return nonce + self._box.encrypt(nonce, plain, None)

    def open(self, box: bytes) -> bytes:
        """What was sealed; raises `Misconfigured` if the key is another."""
        try:
            return self._box.decrypt(box[:_NONCE], box[_NONCE:], None)
        except InvalidTag:
            raise Misconfigured(
                "a sealed row does not open: the sealing key is not the one it was sealed with"
            ) from None


def read_key(directory: Path) -> bytes:
    """The directory's sealing key, made at the first call (mode 0600).

    In production the key comes from outside the data directory: `TILLPOST_KEY_FILE`.
    """
    path = directory / KEY_FILE
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    key = path.read_bytes()
    if len(key) != 32:
        raise Misconfigured(f"{path} is damaged: a sealing key has 32 bytes; restore it")
    return key
