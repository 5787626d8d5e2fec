"""What a body may be: how deep it nests, and how far it unfolds when it came compressed."""

import re
import zlib
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

DEPTH_LIMIT = 32
"""Objects and lists within one another (design 3.5)."""

INFLATION_LIMIT = 10
"""A compressed body may become so many times as long (design 3.5)."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_anything = msgspec.json.Decoder(float_hook=Decimal)
_T = TypeVar("_T")
_NOT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))


class Unfit(Struct, frozen=True):
    """A body that is not unfolded: the HTTP status to answer with, and why."""

    status: int
    detail: str


def inflate(body: bytes, encoding: str, limit: int) -> bytes | Unfit:
    """The plain body of a `Content-Encoding`; at most `limit` bytes, and ten times its length.

    gzip and deflate are known. A bomb is not unfolded: it stops at the limit.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return body
    if name not in ("gzip", "x-gzip", "deflate"):
        return Unfit(415, f"Content-Encoding {name[:20]!r} is not supported: use gzip")
    most = min(limit, INFLATION_LIMIT * len(body))
    engine = zlib.decompressobj(15 if name == "deflate" else 31)
    try:
        plain = engine.decompress(body, most + 1)
    except zlib.error:
        return Unfit(400, f"the body is not {name}, though Content-Encoding says so")
    if len(plain) > most:
        return Unfit(
            413,
            f"the request is too large: at most {limit >> 10} KiB, and {INFLATION_LIMIT} times "
            "its size when decompressed; send less at once",
        )
    if not engine.eof:
        return Unfit(400, "the compressed body is cut short")
    return plain


def check_depth(text: bytes) -> None:
    """Raises `RecursionError` where the JSON text nests deeper than `DEPTH_LIMIT`.

    What is no JSON is left to the parser. Round by round the innermost pairs are taken away:
    none may be left after the last. Where there are few brackets it costs next to nothing.
    """
    if opens_at_most(text, DEPTH_LIMIT):
        return
    left = _STRING.sub(b"", text).translate(None, _NOT_BRACKETS)
    for _ in range(DEPTH_LIMIT):
        left = left.replace(b"{}", b"").replace(b"[]", b"")
    if b"{}" in left or b"[]" in left:
        raise RecursionError(f"it nests deeper than {DEPTH_LIMIT} levels: send it flatter")


def opens_at_most(text: bytes, most: int) -> bool:
    """Whether no more objects and lists open in the JSON text: then none nests deeper."""
    # Splitting seeks with the machine's own search, and stops; counting looks at every byte.
    return len(text.split(b"{", most + 1)) + len(text.split(b"[", most + 1)) - 2 <= most


def decoded(text: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """What `decoder` makes of the text; a null where it wants a value counts as left out.

    Senders write null for what an order does not have, and one such field hides no order.

    Raises `msgspec.ValidationError` for a field that is needed, or is of another type.
    """
    try:
        return decoder.decode(text)
    except msgspec.ValidationError:
        if b"null" not in text:
            raise
        made: _T = msgspec.convert(_without_nulls(_anything.decode(text)), decoder.type)
        return made


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value if one is not None]
    return value
