"""Real and documented payloads of others, where they are at hand: each ends as stated here.

They are signed and sent as their senders would; nothing of them is kept in the project. A file
that nobody states an outcome for fails, so a new sample cannot pass unseen.
"""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.counter import (
    BROWSER,
    DOMAIN,
    Counter,
    shopify_request,
    stripe_request,
    woo_request,
)
from tests.merchants import stripe_event
from tests.shared import SHARED, needs_shared

from tillpost.collect.pixel import PixelConfig, snippet

SAMPLES = SHARED / "samples"
FILES = sorted(p for p in SAMPLES.glob("*.json") if p.stem != "INDEX")
WEBHOOKS = [file for file in FILES if not file.stem.startswith("pixel_")]
PIXELS = [file for file in FILES if file.stem.startswith("pixel_")]
HOURS = 7200.0

TOPICS = {
    "app_uninstalled": "app/uninstalled",
    "carts": "carts/create",
    "checkouts": "checkouts/create",
    "customers_create": "customers/create",
    "customers_data_request": "customers/data_request",
    "customers_redact": "customers/redact",
    "disputes": "disputes/create",
    "draft_orders": "draft_orders/create",
    "fulfillments": "fulfillments/create",
    "order_transactions": "order_transactions/create",
    "orders_edited": "orders/edited",
    "orders": "orders/create",
    "products": "products/update",
    "refunds": "refunds/create",
    "shop_redact": "shop/redact",
    "subscription_contracts": "subscription_contracts/create",
    "tender_transactions": "tender_transactions/create",
}
"""How a file of a webhook begins -> its topic; the longest that fits."""

REST = {
    "rest_order": "orders/create",
    "order_": "orders/create",
    "rest_refund": "refunds/create",
    "rest_customer": "customers/create",
    "rest_draft": "draft_orders/create",
    "rest_abandoned": "checkouts/create",
}
STRIPE = {
    "charge": "charge.refunded",
    "checkout_session": "checkout.session.completed",
    "invoice": "invoice.paid",
    "payment_intent": "payment_intent.succeeded",
    "refund": "refund.created",
    "customer": "customer.created",
}
NOTHING: tuple[str, ...] = ()

OUTCOMES: dict[str, tuple[str, ...]] = {
    r"webhook_orders_edited": ("edit +1 -1",),
    r"webhook_(carts|disputes|draft_orders|fulfillments|order_transactions)": NOTHING,
    r"webhook_(products|subscription_contracts|tender_transactions)": NOTHING,
    r"rest_draft_order": NOTHING,
    r"webhook_orders_create__shopify-sample_2016": ("Purchase dropped test_order",),
    r"order__go-shopify_with_transactions": ("Purchase dropped test_order",),
    r"webhook_orders__REAL_2024": ("Purchase sent 600.0 USD",),
    r"order__REAL_draft-order_PLN": ("Purchase dropped draft",),
    r"order__MONEI_cancel_response": ("Purchase sent 409.94 USD", "refund 209.00 USD"),
    r"order__shopify_python_api": ("Purchase sent 409.94 USD",),
    r"rest_order_2022-04__partially_refunded": ("Purchase sent 598.94 USD", "refund 209.00 USD"),
    r"rest_order_2026-07__paid_.*_noemail": ("Purchase dropped no_match_keys",),
    r"rest_order_2026-07__partially_paid": ("Purchase sent 199.0 USD",),
    r"rest_order_2026-07__pending": ("Purchase held awaiting_payment",),
    r"rest_order_2026-07__refunded.*cancelled": ("Purchase dropped cancelled", "refund 10.00 USD"),
    r"rest_refund__\d+_\d+_[52]": ("refund 41.94 USD",),
    r"rest_refund__\d+_\d+_[63]": ("refund 5.00 USD",),
    r"webhook_refunds_create": NOTHING,  # they restock and move no money
    r"rest_abandoned_checkout": ("InitiateCheckout sent 358.2 USD",),
    r"webhook_checkouts_create": ("InitiateCheckout sent 398.0 USD",),
    r"webhook_checkouts_[13]__REAL_2024": NOTHING,  # nobody is named yet
    r"webhook_checkouts_4__REAL_2024": ("bad row unexpected_shape",),  # its time has no minutes
    r"rest_customer|webhook_customers_create": NOTHING,  # none of them has an account
    r"webhook_customers_(data_request|redact)|webhook_shop_redact|webhook_app": ("request",),
    r"stripe_(charge|customer|event)": NOTHING,  # no refund in it; no topic of ours
    r"stripe_checkout_session": NOTHING,  # it has no amount
    r"stripe_invoice|stripe_payment_intent": ("Purchase dropped zero_value",),
    r"stripe_refund": ("refund 1.00 USD",),
    r"woocommerce_order__docs_1": ("Purchase sent 29.35 USD",),
    r"woocommerce_order__docs_3": ("Purchase sent 39.0 USD", "refund 10.00 USD", "refund 9.00 USD"),
}
"""How a file's name begins -> all that comes of it, two hours later."""


def _request(name: str, body: Any, now: float) -> tuple[str, dict[str, Any]]:
    """Whose request the file is, signed as that sender signs."""
    if name.startswith("woocommerce"):
        return "woocommerce", woo_request("order.created", body)
    if name.startswith("stripe"):
        kind = STRIPE.get(name.removeprefix("stripe_"))
        event = stripe_event(kind, body, now) if kind else body
        return "stripe", stripe_request(event, now)
    if name.startswith("webhook"):
        head = name.removeprefix("webhook_")
        fitting = max((key for key in TOPICS if head.startswith(key)), key=len)
        return "shopify", shopify_request(TOPICS[fitting], body)
    topic = next(topic for head, topic in REST.items() if name.startswith(head))
    inner = body.get(topic.partition("s/")[0], body)
    return "shopify", shopify_request(topic, inner)


def _ends(counter: Counter) -> tuple[str, ...]:
    ends = []
    for end in counter.outcomes():
        worth = f"{end['value']} {end['currency']}" if end.get("value") is not None else ""
        ends.append(" ".join(filter(None, (end["event"], end["state"], end["reason"], worth))))
    columns, rows = counter.store.tables(["refunds"])["refunds"]
    for row in sorted(rows, key=lambda row: -row[columns.index("amount_minor")]):
        told = dict(zip(columns, row, strict=True))
        ends.append(f"refund {told['amount_minor'] / 100:.2f} {told['currency']}")
    columns, rows = counter.store.tables(["edits"])["edits"]
    edits = [dict(zip(columns, row, strict=True)) for row in rows]
    ends += [f"edit +{edit['added']} -{edit['removed']}" for edit in edits]
    ends += [f"bad row {row['reason']}" for row in counter.store.bad_rows(0, 9)]
    return (*ends, *("request" for _ in counter.asked))


@needs_shared
@pytest.mark.parametrize("file", WEBHOOKS, ids=[file.stem for file in WEBHOOKS])
def test_a_sample_of_a_sender_ends_as_stated(file: Path) -> None:
    stated = [ends for head, ends in OUTCOMES.items() if re.match(head, file.stem)]
    assert len(stated) == 1, f"state one outcome of {file.name}"
    counter = Counter()
    kind, request = _request(file.stem, json.loads(file.read_text("utf-8")), counter.now)
    taken = counter.request(kind, **request)
    assert taken.rejection is None or taken.rejection.status == 200
    counter.wait(HOURS)
    assert _ends(counter) == stated[0]


EVENTS = {
    "cart_viewed": "ViewCart",
    "checkout_completed": "Purchase",
    "checkout_shipping_info_submitted": "AddShippingInfo",
    "checkout_started": "InitiateCheckout",
    "collection_viewed": "ViewCategory",
    "page_viewed": "PageView",
    "payment_info_submitted": "AddPaymentInfo",
    "product_added_to_cart": "AddToCart",
    "product_removed_from_cart": "RemoveFromCart",
    "product_viewed": "ViewContent",
    "search_submitted": "Search",
}
"""Standard event of a custom pixel -> what it is here; the others tell nothing by themselves."""


@needs_shared
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node to run the custom pixel")
@pytest.mark.parametrize("file", PIXELS, ids=[file.stem for file in PIXELS])
def test_a_sample_of_a_customer_event_becomes_a_beacon_that_is_taken(
    file: Path, tmp_path: Path
) -> None:
    script = tmp_path / "pixel.js"
    script.write_text(snippet("shopify", PixelConfig("demo", "https://tp.example")))
    command = ["node", str(Path(__file__).parent / "sandbox.cjs"), str(script), str(file)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    wanted = EVENTS.get(file.stem.removeprefix("pixel_"))
    assert [event["event_name"] for event in told["events"]] == ([wanted] if wanted else [])
    if wanted is None:
        return
    counter = Counter()
    (event,) = told["events"]
    assert abs(event["event_time"] - time.time()) < 10 * 365 * 86400
    taken = counter.request(
        "pixel",
        json.dumps({"events": [{**event, "event_time": counter.now}]}).encode(),
        {"origin": f"https://{DOMAIN}", "user-agent": BROWSER},
    )
    assert (taken.facts, taken.rejection) == (1, None)
    (end,) = counter.outcomes()
    assert end["event"] == wanted
    assert end["state"] == ("held" if wanted == "Purchase" else "sent")
