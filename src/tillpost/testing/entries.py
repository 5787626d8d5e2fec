"""Facts and rows to test with: each has sensible values, and takes any field by its name.

Times are Unix seconds around `NOW`, an arbitrary Sunday; nobody here is a person.
"""

from decimal import Decimal
from hashlib import sha256
from typing import Any

from msgspec import structs

from tillpost.core.books import BadRow, Changes, Delivery, EventRow, OrderRow
from tillpost.core.event import (
    BrowserSeen,
    Carried,
    Device,
    EditSeen,
    Entry,
    Event,
    Fact,
    Item,
    Keys,
    Money,
    OrderSeen,
    Person,
    RefundSeen,
    ServerSeen,
)
from tillpost.core.outcome import State
from tillpost.core.shop import Route, Shop

NOW = 1_763_892_000
SHOP = "demo"
DESTINATION = "meta"
IP = "203.0.113.77"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) Example/1.0"
FBP = f"fb.1.{(NOW - 3600) * 1000}.1234567890"
FBC = f"fb.1.{(NOW - 3600) * 1000}.IwAR0exampleClick"
CHECKOUT = "c1f2a3b4c5d6"


def hashed(text: str) -> str:
    """SHA-256 of a text that is spelled already, as hex."""
    return sha256(text.encode()).hexdigest()


KEYS: Keys = {"em": (("meta", hashed("ada@example.com")),)}


def shop(**changes: Any) -> Shop:
    """A shop in New York that sells in dollars and waits two seconds for a beacon."""
    plain = Shop(
        name=SHOP,
        domain="demo-shop.example",
        currency="USD",
        timezone="America/New_York",
        country="US",
        hosts=frozenset({"demo-shop.example"}),
        id_key=b"0123456789abcdef",
        join_wait=2.0,
    )
    return structs.replace(plain, **changes)


def routes(*destinations: str) -> dict[str, tuple[Route, ...]]:
    """The shop's events go to these destinations, by default to one."""
    return {SHOP: tuple(Route(name) for name in destinations or (DESTINATION,))}


def money(amount: str, currency: str = "USD") -> Money:
    """An amount as decimal text, with its currency."""
    return Money(Decimal(amount), currency)


def carried(visitor_id: str | None = None, landing_url: str | None = None) -> Carried:
    """What the browser gave an order to carry."""
    return Carried(visitor_id, landing_url)


def order(order_id: str = "1001", **changes: Any) -> OrderSeen:
    """A paid web order of 42.00 dollars with a checkout token and a known buyer."""
    plain = OrderSeen(
        order_id=order_id,
        name=f"#{order_id}",
        version=float(NOW),
        created_at=NOW,
        processed_at=NOW,
        kind="web",
        topic="orders/create",
        value=money("42.00"),
        presentment=money("42.00"),
        subtotal=money("40.00"),
        tax=money("2.00"),
        shipping=money("0.00"),
        financial_status="paid",
        items=(Item("11", "22", "SKU-1", "Mug", 2, Decimal("20.00")),),
        checkout_token=CHECKOUT,
        customer_id="501",
        person=Person(keys=KEYS),
        device=Device(IP, USER_AGENT),
    )
    return structs.replace(plain, **changes)


def refund(refund_id: str = "r1", **changes: Any) -> RefundSeen:
    """Ten dollars given back for order 1001."""
    return structs.replace(RefundSeen(refund_id, "1001", NOW + 60, money("10.00")), **changes)


def edit(**changes: Any) -> EditSeen:
    """Two pieces were added to order 1001 in the shop, and one taken out."""
    return structs.replace(EditSeen("ed1", "1001", NOW + 30, 2, 1), **changes)


def beacon(event_name: str = "Purchase", **changes: Any) -> BrowserSeen:
    """What the buyer's browser reports of that order, with its click cookies."""
    plain = BrowserSeen(
        event_name=event_name,
        event_id=f"purchase.{CHECKOUT}",
        event_time=NOW,
        visitor_id="v1",
        event_source_url="https://demo-shop.example/thank-you",
        checkout_token=CHECKOUT if event_name == "Purchase" else None,
        direct="sent",
        person=Person(fbc=FBC, fbp=FBP),
        device=Device(IP, USER_AGENT),
    )
    return structs.replace(plain, **changes)


def page_view(event_id: str = "pv1", **changes: Any) -> BrowserSeen:
    """The visitor lands on the shop from a search engine, ten minutes before the order."""
    given: dict[str, Any] = {
        "event_id": event_id,
        "event_time": NOW - 600,
        "event_source_url": "https://demo-shop.example/?utm_source=news&utm_medium=email",
        "referrer_url": "https://www.google.com/",
    }
    return beacon("PageView", **(given | changes))


def server_event(event_name: str = "Lead", **changes: Any) -> ServerSeen:
    """An event that a back end reports itself."""
    plain = ServerSeen(
        event_name=event_name,
        event_id="srv-1",
        event_time=NOW,
        action_source="website",
        person=Person(keys=KEYS),
        device=Device(IP, USER_AGENT),
    )
    return structs.replace(plain, **changes)


def bad_row(reason: str = "not_json") -> BadRow:
    """A body that could not be read."""
    return BadRow(SHOP, "shopify", float(NOW), reason, "body", "unexpected end", b"box")


def spend_row(**changes: Any) -> dict[str, Any]:
    """A day's spend of one ad."""
    texts = ("campaign_id", "campaign", "adset_id", "adset", "ad_id", "ad")
    head = {"shop": SHOP, "platform": "meta", "account_id": "act_1", "day": "2026-01-31"}
    figures = {"currency": "USD", "spend_minor": 1250, "impressions": 900, "clicks": 12}
    return head | {name: f"{name} 1" for name in texts} | figures | changes


def entry(fact: Fact, at: float = NOW, source: str | None = None, name: str = SHOP) -> Entry:
    """A fact as the journal has it, received at `at`."""
    made = "pixel" if isinstance(fact, BrowserSeen) else "shopify"
    return Entry(name, source or made, float(at), fact)


def event(event_id: str = "e1", **changes: Any) -> Event:
    """A Purchase ready to be sent."""
    plain = Event(
        shop=SHOP,
        event_name="Purchase",
        event_id=event_id,
        event_time=NOW,
        action_source="website",
        event_source_url="https://demo-shop.example/thank-you",
        custom_data={"value": Decimal("42.00"), "currency": "USD", "order_id": "1001"},
        person=Person(keys=KEYS, fbc=FBC, fbp=FBP),
        device=Device(IP, USER_AGENT),
    )
    return structs.replace(plain, **changes)


def event_row(number: int = 1, **changes: Any) -> EventRow:
    """An event as it is kept, its fold key made of its number."""
    plain = EventRow(
        id=number,
        fold_key=f"ev:{number}",
        source="shopify",
        received_at=float(NOW),
        event=event(f"e{number}"),
        order_id=str(1000 + number),
    )
    return structs.replace(plain, **changes)


def delivery(number: int = 1, destination: str = DESTINATION, **changes: Any) -> Delivery:
    """The event's way to a destination, due now."""
    plain = Delivery(number, destination, SHOP, State.PENDING, float(NOW))
    return structs.replace(plain, **changes)


def order_row(seen: OrderSeen | None = None, **changes: Any) -> OrderRow:
    """An order as it is kept."""
    plain = OrderRow(SHOP, seen or order(), float(NOW), True, None, False)
    return structs.replace(plain, **changes)


def changes(**given: Any) -> Changes:
    """A commit of these rows and of nothing else."""
    lists: dict[str, Any] = {
        name: [] for name in Changes.__struct_fields__ if name not in {"position", "accepted"}
    }
    return Changes(**({"position": None, "accepted": {}} | lists | given))


def outgoing(count: int, first: int = 1, destination: str = DESTINATION) -> Changes:
    """A commit of so many events, one a second, each to be sent to one destination."""
    numbers = range(first, first + count)
    return changes(
        events=[event_row(number) for number in numbers],
        deliveries=[
            delivery(number, destination, due_at=float(NOW + number - first)) for number in numbers
        ],
        accepted={(SHOP, destination): count},
    )
