"""What Meta takes but cannot use: rows about events from outside the browser, CRM and tills."""

from typing import Final

from tillpost.core.rule import NONE, Hit, Rule, View, absent, hits, nearest, text, unknown

STORE_DATA_NAMES: Final = frozenset({"store_page_id", "brand_page_id", "store_code"})
"""The documented fields of `custom_data.store_data`."""

_STORE_CODE_LIMIT: Final = 64
_CRM_FIELDS: Final = ("event_source", "lead_event_source")


def _is_crm(v: View) -> bool:
    """Whether the event is a stage of a Conversion Lead: it says so, or carries a lead's id."""
    told = any(not absent(v.custom.get(field)) for field in _CRM_FIELDS)
    return told or not absent(v.user.get("lead_id"))


def _crm_fields(v: View) -> tuple[Hit, ...]:
    if not _is_crm(v):
        return NONE
    missing = [f for f in _CRM_FIELDS if absent(v.custom.get(f))]
    return tuple(Hit(f"custom_data.{field}") for field in missing)


def _crm_source(v: View) -> tuple[Hit, ...]:
    given = v.custom.get("event_source")
    return hits(not absent(given) and text(given).lower() != "crm", "custom_data.event_source")


def _crm_action(v: View) -> tuple[Hit, ...]:
    action = v.event.get("action_source")
    other = action is not None and action != "system_generated"
    return hits(_is_crm(v) and other, "action_source")


def _store_quantity(v: View) -> tuple[Hit, ...]:
    contents = v.custom.get("contents")
    if v.event.get("action_source") != "physical_store" or not isinstance(contents, list):
        return NONE
    return tuple(
        Hit(f"custom_data.contents[{i}].quantity")
        for i, item in enumerate(contents)
        if isinstance(item, dict) and absent(item.get("quantity"))
    )


def _store_order(v: View) -> tuple[Hit, ...]:
    named = not absent(v.custom.get("order_id")) or not absent(v.event.get("event_id"))
    sold = v.event.get("event_name") == "Purchase"
    in_store = v.event.get("action_source") == "physical_store"
    return hits(in_store and sold and not named, "custom_data.order_id")


def _store_data(v: View) -> tuple[Hit, ...]:
    given = v.custom.get("store_data")
    if given is None:
        return NONE
    if not isinstance(given, dict):
        return (Hit("custom_data.store_data"),)
    at = "custom_data.store_data."
    found = [
        Hit(path, f"Nearest known key: {near}." if near else "")
        for key, path in unknown(given, STORE_DATA_NAMES, at)
        for near in (nearest(key, STORE_DATA_NAMES),)
    ]
    if len(text(given.get("store_code"))) > _STORE_CODE_LIMIT:
        found.append(Hit(f"{at}store_code"))
    return tuple(found)


OUTSIDE_HINTS: Final = (
    Rule(
        name="crm.fields",
        path="custom_data.{event_source, lead_event_source}",
        check=_crm_fields,
        message="A stage of a lead needs both event_source and lead_event_source.",
        fix="Send event_source crm, and the name of your CRM as lead_event_source.",
        evidence="D",
        source="conversion leads, payload specification",
    ),
    Rule(
        name="crm.event_source",
        path="custom_data.event_source",
        check=_crm_source,
        message="The event source is none that Meta knows.",
        fix="Send crm.",
        evidence="D",
        source="conversion leads, payload specification",
    ),
    Rule(
        name="crm.action_source",
        path="action_source",
        check=_crm_action,
        message="A stage of a lead is made by a system, not at this place.",
        fix="Send action_source system_generated.",
        evidence="D",
        source="conversion leads, payload specification",
    ),
    Rule(
        name="store.quantity",
        path="custom_data.contents[].quantity",
        check=_store_quantity,
        message="An item sold in a store has no quantity.",
        fix="Send id and quantity of every item.",
        evidence="D",
        source="offline events",
    ),
    Rule(
        name="store.order",
        path="custom_data.order_id",
        check=_store_order,
        message="A store's sale has neither order_id nor event_id: sent again it counts twice.",
        fix="Send the receipt's number as order_id, and item_number where lines are sent apart.",
        evidence="D",
        source="offline events, deduplication",
    ),
    Rule(
        name="store.data",
        path="custom_data.store_data",
        check=_store_data,
        message="The store is not described as Meta reads it.",
        fix="Send store_page_id, brand_page_id, or store_code of at most 64 characters.",
        evidence="D",
        source="offline events",
    ),
)
"""Warnings about leads from a CRM and sales from a till."""
