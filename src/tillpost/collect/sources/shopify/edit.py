"""Shopify's `orders/edited`: that an order's lines were changed, and nothing of its money.

The body is no order: it names the order and the lines that came and went (reference
`shopify`, 1.1). Shopify sends `orders/updated` with the whole order for the same change,
and that alone tells the new total.
"""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from tillpost.collect.sources.shopify.prices import Id
from tillpost.core.body import decoded
from tillpost.core.event import EditSeen, Parsed


class _Line(Struct):
    delta: Annotated[int, Meta(ge=-(10**9), le=10**9)] = 0


class _Lines(Struct):
    additions: list[_Line] = msgspec.field(default_factory=list)
    removals: list[_Line] = msgspec.field(default_factory=list)


class _Edit(Struct):
    id: Id
    order_id: Id
    created_at: datetime
    line_items: _Lines = msgspec.field(default_factory=_Lines)


class _Body(Struct):
    order_edit: _Edit | None = None


_bodies = msgspec.json.Decoder(_Body)
_edits = msgspec.json.Decoder(_Edit)
"""Older API versions tell the edit without the object around it."""


def read_edit(body: bytes) -> list[Parsed]:
    """That an order was edited, as a fact.

    Raises `msgspec.ValidationError` naming the field that is not as documented.
    """
    edit = decoded(body, _bodies).order_edit or decoded(body, _edits)
    at = int(edit.created_at.timestamp())
    added, removed = _pieces(edit.line_items.additions), _pieces(edit.line_items.removals)
    return [Parsed(EditSeen(str(edit.id), str(edit.order_id), at, added, removed), {})]


def _pieces(lines: list[_Line]) -> int:
    return sum(abs(line.delta) for line in lines)
