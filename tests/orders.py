"""Orders in Shopify's shape, made here; every test changes what it is about."""

from datetime import UTC, datetime
from typing import Any


def iso(seconds_ago: float = 0.0) -> str:
    """An ISO time so long ago."""
    moment = datetime.now(UTC).timestamp() - seconds_ago
    return datetime.fromtimestamp(moment, UTC).isoformat()


def money(amount: str, currency: str = "USD") -> dict[str, Any]:
    """A price set in one currency."""
    one = {"amount": amount, "currency_code": currency}
    return {"shop_money": one, "presentment_money": one}


def order(number: int = 1001, **changes: Any) -> dict[str, Any]:
    """A paid web order of 2 x 30.00 less a 10 % code, plus 5.00 shipping: 59.00 USD."""
    made = {
        "id": 5_500_000_000_000 + number,
        "name": f"#{number}",
        "created_at": iso(5),
        "processed_at": iso(5),
        "updated_at": iso(4),
        "test": False,
        "source_name": "web",
        "app_id": 580111,
        "financial_status": "paid",
        "currency": "USD",
        "presentment_currency": "USD",
        "total_price": "59.00",
        "total_price_set": money("59.00"),
        "subtotal_price": "54.00",
        "subtotal_price_set": money("54.00"),
        "total_tax": "0.00",
        "total_tax_set": money("0.00"),
        "total_shipping_price_set": money("5.00"),
        "email": "Ada.Fischer@Mail.example",
        "phone": None,
        "customer": {
            "id": 7_700_000_000 + number,
            "email": "ada.fischer@mail.example",
            "first_name": "Ada",
            "last_name": "Fischer",
        },
        "billing_address": {
            "first_name": "Ada",
            "last_name": "Fischer",
            "city": "Boise",
            "zip": "83702",
            "province_code": "ID",
            "country_code": "US",
            "phone": "(208) 555-0142",
        },
        "client_details": {"browser_ip": "8.8.4.4", "user_agent": "Mozilla/5.0 (Test)"},
        "browser_ip": "8.8.4.4",
        "landing_site": None,
        "referring_site": None,
        "note_attributes": [],
        "cart_token": f"cart{number}",
        "checkout_token": f"{number:032x}",
        "discount_codes": [{"code": "TEN", "amount": "6.00", "type": "percentage"}],
        "line_items": [
            {
                "product_id": 9001,
                "variant_id": 90011,
                "sku": "TEA-1",
                "title": "Tea",
                "quantity": 2,
                "price": "30.00",
                "price_set": money("30.00"),
                "discount_allocations": [{"amount": "6.00", "amount_set": money("6.00")}],
                "gift_card": False,
            }
        ],
    }
    return {**made, **changes}
