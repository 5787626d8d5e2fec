"""What Meta takes but values wrongly: rows about `custom_data`, the money and the goods."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from tillpost.core.hints_event import ADDRESS_IN_TEXT
from tillpost.core.limits import CURRENCIES
from tillpost.core.rule import (
    NONE,
    REPORTED_KEYS,
    Hit,
    Rule,
    View,
    absent,
    hits,
    integer,
    is_number,
    nearest,
    shown,
    unknown,
)
from tillpost.core.verticals import VERTICAL_CHOICES, VERTICAL_NAMES
from tillpost.core.vocabulary import (
    CONTENT_TYPES,
    CUSTOM_DATA_NAMES,
    DELIVERY_CATEGORIES,
    USER_ALIASES,
)

PERSONAL_NAMES: Final = frozenset(
    {"address", "address1", "birthday", "customer_email", "customer_name", "customer_phone"}
    | {"full_name", "fullname", "firstname", "lastname", "name", "mobile", "street", "tel"}
    | set(USER_ALIASES)
) - {"city", "state", "country_code", "zip", "postal_code", "fbclid", "user_id"}
"""Names of `custom_data` fields that tell of a person; place names are used by verticals (I)."""

_KNOWN: Final = CUSTOM_DATA_NAMES | VERTICAL_NAMES
_NUMBERS: Final = ("predicted_ltv", "net_revenue")
_MISSPELT: Final = {
    "content_id": "content_ids",
    "contentids": "content_ids",
    "contenttype": "content_type",
    "contentname": "content_name",
    "contentcategory": "content_category",
    "item_ids": "content_ids",
    "items": "contents",
    "products": "contents",
    "orderid": "order_id",
    "transaction_id": "order_id",
    "numitems": "num_items",
    "amount": "value",
    "revenue": "value",
    "total": "value",
    "currency_code": "currency",
    "currencycode": "currency",
    "search_term": "search_string",
    "searchstring": "search_string",
}
"""Names from other tools for what Meta has a parameter for (I)."""


def _items(v: View) -> Iterator[tuple[str, dict[str, Any]]]:
    contents = v.custom.get("contents")
    if isinstance(contents, list):
        yield from (
            (f"custom_data.contents[{i}]", item)
            for i, item in enumerate(contents)
            if isinstance(item, dict)
        )


def _is_purchase(v: View) -> bool:
    return bool(v.event.get("event_name") == "Purchase")


def _value_text(v: View) -> tuple[Hit, ...]:
    value = v.custom.get("value")
    return hits(isinstance(value, str) and is_number(value), "custom_data.value")


def _value_type(v: View) -> tuple[Hit, ...]:
    value = v.custom.get("value")
    wrong = not _is_purchase(v) and value is not None and not is_number(value)
    return hits(wrong, "custom_data.value")


def _negative(v: View) -> tuple[Hit, ...]:
    value = v.custom.get("value")
    return hits(is_number(value) and float(value) < 0, "custom_data.value")  # type: ignore[arg-type]


def _no_currency(v: View) -> tuple[Hit, ...]:
    bare = v.custom.get("value") is not None and absent(v.custom.get("currency"))
    return hits(bare and not _is_purchase(v), "custom_data.currency")


def _currency_case(v: View) -> tuple[Hit, ...]:
    code = v.custom.get("currency")
    return hits(
        isinstance(code, str) and code not in CURRENCIES and code.strip().upper() in CURRENCIES,
        "custom_data.currency",
    )


def _wrong_currency(v: View) -> tuple[Hit, ...]:
    code = v.custom.get("currency")
    wrong = not absent(code) and not (isinstance(code, str) and code.strip().upper() in CURRENCIES)
    return hits(wrong and not _is_purchase(v), "custom_data.currency")


def _numbers(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(f"custom_data.{name}")
        for name in _NUMBERS
        if (value := v.custom.get(name)) is not None and not is_number(value)
    )


def _contents_type(v: View) -> tuple[Hit, ...]:
    contents = v.custom.get("contents")
    if contents is None:
        return NONE
    if not isinstance(contents, list):
        return (Hit("custom_data.contents"),)
    return tuple(
        Hit(f"custom_data.contents[{i}]")
        for i, item in enumerate(contents)
        if not isinstance(item, dict)
    )


def _quantity(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(f"{path}.quantity")
        for path, item in _items(v)
        if (value := item.get("quantity")) is not None and (integer(value) or 0) < 1
    )


def _item_price(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(f"{path}.item_price")
        for path, item in _items(v)
        if (value := item.get("item_price")) is not None and not is_number(value)
    )


def _content_ids(v: View) -> tuple[Hit, ...]:
    ids = v.custom.get("content_ids")
    right = ids is None or (
        isinstance(ids, list)
        and all(isinstance(i, (str, int)) and not isinstance(i, bool) for i in ids)
    )
    return hits(not right, "custom_data.content_ids")


def _content_type(v: View) -> tuple[Hit, ...]:
    kind = v.custom.get("content_type")
    wrong = not absent(kind) and not (isinstance(kind, str) and kind in CONTENT_TYPES)
    return hits(wrong, "custom_data.content_type")


def _no_content_type(v: View) -> tuple[Hit, ...]:
    goods = not absent(v.custom.get("content_ids")) or not absent(v.custom.get("contents"))
    return hits(goods and absent(v.custom.get("content_type")), "custom_data.content_type")


def _num_items(v: View) -> tuple[Hit, ...]:
    value = v.custom.get("num_items")
    return hits(value is not None and (integer(value) or 0) < 1, "custom_data.num_items")


def _texts(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(f"custom_data.{name}")
        for name in ("order_id", "item_number", "search_string")
        if (value := v.custom.get(name)) is not None and not isinstance(value, str)
    )


def _delivery(v: View) -> tuple[Hit, ...]:
    places = [("custom_data", v.custom), *_items(v)]
    return tuple(
        Hit(f"{path}.delivery_category")
        for path, where in places
        if (value := where.get("delivery_category")) is not None
        and not (isinstance(value, str) and value in DELIVERY_CATEGORIES)
    )


def _vertical(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(f"custom_data.{name}")
        for name, choices in VERTICAL_CHOICES.items()
        if (value := v.custom.get(name)) is not None
        and not (isinstance(value, str) and value.lower() in choices)
    )


def _personal(v: View) -> tuple[Hit, ...]:
    found = (
        Hit(f"custom_data.{shown(key)}")
        for key, value in v.custom.items()
        if key.strip().lower() in PERSONAL_NAMES
        or (isinstance(value, str) and ADDRESS_IN_TEXT.search(value))
    )
    return tuple(islice(found, REPORTED_KEYS))


def _near(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(path, f"Nearest known key: {near}.")
        for key, path in unknown(v.custom, _KNOWN, "custom_data.")
        if (near := _MISSPELT.get(key) or nearest(key, CUSTOM_DATA_NAMES))
        and v.custom.get(near) is None
    )


_CUSTOM: Final = "custom data parameters"

CUSTOM_HINTS: Final = (
    Rule(
        name="value.text",
        path="custom_data.value",
        check=_value_text,
        message="The value is a text, not a number.",
        fix="Send a JSON number, with a point and without a currency sign.",
        evidence="D",
        source=f"{_CUSTOM}; documented samples hold texts, which are taken",
    ),
    Rule(
        name="value.type",
        path="custom_data.value",
        check=_value_type,
        message="The value is not a number.",
        fix="Send a JSON number, for example 19.99.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="value.negative",
        path="custom_data.value",
        check=_negative,
        message="The value is negative; Meta has no refunds.",
        fix="Leave refunds out, or send them as an event of your own name.",
        evidence="I",
        source="a negative Purchase falsifies the return on ad spend",
    ),
    Rule(
        name="value.no_currency",
        path="custom_data.currency",
        check=_no_currency,
        subcode=2804023,
        message="The value has no currency.",
        fix="Send custom_data.currency beside the value.",
        evidence="O (weak)",
        source="one sender reports a refusal",
    ),
    Rule(
        name="currency.case",
        path="custom_data.currency",
        check=_currency_case,
        message="The currency is not written in upper case.",
        fix="Send it as ISO 4217 writes it, for example USD.",
        evidence="O",
        source="both were seen accepted",
    ),
    Rule(
        name="currency.unknown",
        path="custom_data.currency",
        check=_wrong_currency,
        message="Meta does not know the currency.",
        fix="Send an ISO 4217 code that Meta supports.",
        evidence="I",
        source="a Purchase with it is refused; other events were not tried",
    ),
    Rule(
        name="custom_data.number",
        path="custom_data.{predicted_ltv, net_revenue}",
        check=_numbers,
        message="The amount is not a number.",
        fix="Send a JSON number.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="contents.type",
        path="custom_data.contents",
        check=_contents_type,
        message="contents is not an array of objects.",
        fix='Send [{"id": "...", "quantity": 1, "item_price": 9.99}].',
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="contents.quantity",
        path="custom_data.contents[].quantity",
        check=_quantity,
        message="The quantity is not a whole number of at least 1.",
        fix="Send the number of pieces sold.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="contents.item_price",
        path="custom_data.contents[].item_price",
        check=_item_price,
        message="The item's price is not a number.",
        fix="Send the price of one piece as a JSON number.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="content_ids.type",
        path="custom_data.content_ids",
        check=_content_ids,
        message="content_ids is not an array of texts.",
        fix="Send an array, also for one product.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="content_type.unknown",
        path="custom_data.content_type",
        check=_content_type,
        message="The content type is none that exists.",
        fix="Send product or product_group; verticals have their own.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="content_type.missing",
        path="custom_data.content_type",
        check=_no_content_type,
        message="Products without a content type cannot be found in the catalogue.",
        fix="Send product if the ids are of variants, product_group if of products.",
        evidence="D",
        source="standard events, for catalogue ads",
    ),
    Rule(
        name="num_items.type",
        path="custom_data.num_items",
        check=_num_items,
        message="num_items is not a whole number of at least 1.",
        fix="Send the number of pieces.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="custom_data.text",
        path="custom_data.{order_id, item_number, search_string}",
        check=_texts,
        message="The value is not a text.",
        fix="Send a string.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="delivery_category.unknown",
        path="custom_data.delivery_category",
        check=_delivery,
        message="The delivery category is none of the three that exist.",
        fix=f"Use one of: {', '.join(sorted(DELIVERY_CATEGORIES))}.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="vertical.unknown",
        path="custom_data.{availability, body_style, ...}",
        check=_vertical,
        message="The value is none of those that exist.",
        fix="Use a value of the trade's own list.",
        evidence="D",
        source=_CUSTOM,
    ),
    Rule(
        name="custom_data.personal",
        path="custom_data.*",
        check=_personal,
        message="The field seems to tell of a person; Meta forbids that outside user_data.",
        fix="Leave it out, or send it hashed under its key in user_data.",
        evidence="D",
        source="Meta's terms forbid unhashed contact information",
    ),
    Rule(
        name="custom_data.near_standard",
        path="custom_data.*",
        check=_near,
        message="The field is close to a parameter that Meta knows, but is not it.",
        fix="Use the documented name; Meta keeps others as custom properties.",
        evidence="I",
        source="names that other tools use",
    ),
)
"""Warnings about `custom_data`."""
