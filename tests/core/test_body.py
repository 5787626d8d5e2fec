import gzip
import json
import zlib
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from tillpost.core.body import DEPTH_LIMIT, Unfit, check_depth, decoded, inflate

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


def nested(depth: int, leaf: Any = 1) -> bytes:
    for level in range(depth):
        leaf = [leaf] if level % 2 else {"a": leaf}
    return json.dumps(leaf).encode()


def test_the_limit_itself_is_no_depth_too_many() -> None:
    check_depth(nested(DEPTH_LIMIT, leaf={}.__repr__()))
    check_depth(nested(DEPTH_LIMIT - 1, leaf=[{}] * 50))


@pytest.mark.parametrize("depth", [DEPTH_LIMIT + 1, 100, 100_000])
def test_one_level_more_is_refused(depth: int) -> None:
    with pytest.raises(RecursionError, match="32 levels"):
        check_depth(b"[" * depth + b"]" * depth)


def test_brackets_in_strings_are_no_depth() -> None:
    check_depth(json.dumps({"a": "[" * 99, 'b"\\': '\\"[' + "{" * 99}).encode())


@given(JSON)
def test_any_shallow_json_passes(value: Any) -> None:
    check_depth(json.dumps(value).encode())
    check_depth(json.dumps([value] * 40).encode())


@pytest.mark.parametrize("encoding", ["gzip", "X-GZIP", " gzip "])
def test_a_gzipped_body_is_unfolded(encoding: str) -> None:
    plain = bytes(range(256)) * 4
    assert inflate(gzip.compress(plain), encoding, 1 << 20) == plain
    assert inflate(zlib.compress(plain), "deflate", 1 << 20) == plain
    assert inflate(plain, "identity", 1 << 20) == plain


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(bytes(100 << 20)), "gzip", 413),
        (gzip.compress(bytes(range(256)) * 8), "gzip", 413),
        (gzip.compress(b"abc")[:-4], "gzip", 400),
        (b"abc", "gzip", 400),
        (b"abc", "br", 415),
    ],
)
def test_what_is_unfit_says_why(body: bytes, encoding: str, status: int) -> None:
    found = inflate(body, encoding, 1024)
    assert isinstance(found, Unfit)
    assert found.status == status


class _Line(Struct):
    quantity: int = 1
    price: Decimal = Decimal(0)


class _Body(Struct):
    id: int
    lines: list[_Line] = msgspec.field(default_factory=list)


_bodies = msgspec.json.Decoder(_Body)


def test_a_null_counts_as_left_out() -> None:
    text = b'{"id": 1, "lines": [{"quantity": null, "price": 0.10}, null]}'
    assert decoded(text, _bodies) == _Body(1, [_Line(1, Decimal("0.10"))])
    assert decoded(b'{"id": 1, "lines": null}', _bodies) == _Body(1)
    assert decoded(b'{"id": 1}', _bodies) == _Body(1)


@pytest.mark.parametrize("text", [b'{"id": null}', b'{"id": "a"}', b'{"id": 1, "lines": [7]}'])
def test_what_is_needed_or_of_another_type_is_still_told(text: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decoded(text, _bodies)
