"""A chain of hashes: each entry's covers the one before, so that a change anywhere shows."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

START = hashlib.sha256(b"tillpost audit").hexdigest()
"""What the first entry's hash covers."""


def link(before: str, entry: Sequence[Any]) -> str:
    """The hash of an entry after the one whose hash is `before`."""
    return hashlib.sha256(before.encode() + msgspec.json.encode(list(entry))).hexdigest()


def first_broken(entries: Iterable[tuple[int, Sequence[Any], str]]) -> int | None:
    """The number of the first of (number, entry, hash) that does not fit; None if all do."""
    before = START
    for number, entry, told in entries:
        if link(before, entry) != told:
            return number
        before = told
    return None
