"""Shopify's compliance webhooks and `app/uninstalled`: what is asked of whose data.

The bodies are `customers/data_request`, `customers/redact` and `shop/redact` (reference
`shopify`, 6); a customer may be named by an e-mail alone.
"""

import msgspec
from msgspec import Struct

from tillpost.collect.sources.shopify.prices import Id
from tillpost.core.event import Parsed, PrivacyAsked, PrivacyRequest

TOPICS: dict[str, PrivacyRequest] = {
    "customers/data_request": "access",
    "customers/redact": "erase",
    "shop/redact": "erase_shop",
    "app/uninstalled": "uninstalled",
}
"""Topic -> what it asks for."""


class _Whose(Struct):
    id: Id | None = None
    email: str | None = None
    phone: str | None = None


class _Asked(Struct):
    customer: _Whose | None = None
    orders_requested: list[Id] | None = None
    orders_to_redact: list[Id] | None = None


_decoder = msgspec.json.Decoder(_Asked)


def read_privacy(body: bytes, topic: str, country: str | None) -> list[Parsed]:
    """What a compliance webhook asks; none if it names nobody.

    Raises `msgspec.ValidationError` for a field that is not as documented.
    """
    given = _decoder.decode(body)
    request = TOPICS[topic]
    whose = given.customer or _Whose()
    orders = given.orders_to_redact or given.orders_requested or ()
    asked = PrivacyAsked(
        request=request,
        customer_id=str(whose.id) if whose.id else None,
        order_ids=tuple(str(order) for order in orders),
    )
    raw = {"em": whose.email, "ph": whose.phone, "external_id": asked.customer_id}
    named = {key: (value,) for key, value in raw.items() if value}
    if request in {"access", "erase"} and not (named or asked.order_ids):
        return []
    return [Parsed(asked, named, country)]
