"""A stand-in for Shopify's Admin GraphQL API: pages, cost, throttling and bulk operations.

It speaks the documented shape (orders connection, extensions.cost, bulkOperationRunQuery, JSON
lines with __parentId), and can be told to fail.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "shpat_test"
COST = 60.0


def graphql_order(number: int, at: str, **changes: Any) -> dict[str, Any]:
    """An order as the Admin API has it: 59.00 USD, two of one product, found by an ad."""

    def prices(amount: str) -> dict[str, Any]:
        money = {"amount": amount, "currencyCode": "USD"}
        return {"shopMoney": money, "presentmentMoney": money}

    visit = {
        "occurredAt": at,
        "landingPage": "https://demo-shop.myshopify.com/?utm_source=facebook&utm_medium=cpc"
        "&utm_campaign=Spring&email=ada%40mail.example",
        "referrerUrl": "https://l.facebook.com/",
        "source": "Facebook",
        "sourceType": "AD",
        "utmParameters": {"source": "facebook", "medium": "cpc", "campaign": "Spring"},
    }
    made = {
        "id": f"gid://shopify/Order/{number}",
        "legacyResourceId": str(number),
        "name": f"#{number}",
        "createdAt": at,
        "processedAt": at,
        "updatedAt": at,
        "test": False,
        "sourceName": "web",
        "cancelledAt": None,
        "displayFinancialStatus": "PAID",
        "app": {"id": "gid://shopify/App/580111"},
        "clientIp": "8.8.4.4",
        "cartToken": None,
        "checkoutToken": f"{number:032x}",
        "email": f"ada{number}@mail.example",
        "phone": None,
        "discountCodes": ["TEN"],
        "currencyCode": "USD",
        "presentmentCurrencyCode": "USD",
        "totalPriceSet": prices("59.00"),
        "subtotalPriceSet": prices("54.00"),
        "totalTaxSet": prices("0.00"),
        "totalShippingPriceSet": prices("5.00"),
        "customAttributes": [],
        "customer": {
            "legacyResourceId": str(number * 10),
            "email": f"ada{number}@mail.example",
            "phone": None,
            "firstName": "Ada",
            "lastName": "Fischer",
        },
        "billingAddress": {
            "firstName": "Ada",
            "lastName": "Fischer",
            "city": "Boise",
            "provinceCode": "ID",
            "zip": "83702",
            "countryCodeV2": "US",
            "phone": None,
        },
        "shippingAddress": None,
        "customerJourneySummary": {
            "ready": True,
            "daysToConversion": 2,
            "momentsCount": {"count": 3},
            "firstVisit": {**visit, "source": "Google", "utmParameters": None},
            "lastVisit": visit,
        },
        "lineItems": {
            "nodes": [
                {
                    "id": f"gid://shopify/LineItem/{number}1",
                    "sku": "TEA-1",
                    "quantity": 2,
                    "isGiftCard": False,
                    "title": "Tea",
                    "product": {"legacyResourceId": "9001"},
                    "variant": {"legacyResourceId": "90011"},
                    "originalUnitPriceSet": prices("30.00"),
                    "discountedUnitPriceAfterAllDiscountsSet": prices("27.00"),
                }
            ]
        },
        "totalRefundedSet": prices("0.00"),
        "refunds": [],
    }
    return {**made, **changes}


def webhook(topic: str = "ORDERS_CREATE", **changes: Any) -> dict[str, Any]:
    """A webhook as the Admin API tells it."""
    made: dict[str, Any] = {
        "topic": topic,
        "uri": "https://tp.example.com/webhooks/shopify/demo",
        "format": "JSON",
        "includeFields": [],
        "metafieldNamespaces": [],
        "metafields": [],
        "filter": None,
        "name": None,
    }
    return {**made, **changes}


class AdminApi:
    """The stand-in's state: its orders, what was asked, and what it is told to do next."""

    def __init__(self, orders: list[dict[str, Any]]) -> None:
        self.orders = orders
        self.asked: list[dict[str, Any]] = []
        self.trouble: list[int | str] = []
        """What the next queries get: a status, or an error code such as THROTTLED."""
        self.webhooks: list[dict[str, Any]] = []
        """The app's webhooks, as `webhookSubscriptions` tells them."""
        self.unwanted: str | None = None
        """Why no webhook is made, if it is not."""
        self.page = 2
        self.polls = 0
        self.url = ""

    def answer(self, path: str, body: dict[str, Any], token: str | None) -> tuple[int, Any]:
        if path.endswith("/access_token"):
            return 200, {"access_token": TOKEN, "expires_in": 86399}
        if token != TOKEN:
            return 401, {"errors": "[API] Invalid API key or access token"}
        self.asked.append(body)
        if self.trouble:
            trouble = self.trouble.pop(0)
            if isinstance(trouble, int):
                return trouble, {}
            error = {"message": trouble.title(), "extensions": {"code": trouble}}
            return 200, {"errors": [error], "extensions": self._cost(COST - 10)}
        return 200, {"data": self._data(body), "extensions": self._cost(COST * 3)}

    def _cost(self, available: float) -> dict[str, Any]:
        bucket = {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}
        return {
            "cost": {
                "requestedQueryCost": COST,
                "actualQueryCost": COST,
                "throttleStatus": bucket,
            }
        }

    def _data(self, body: dict[str, Any]) -> dict[str, Any]:
        query, given = body["query"], body.get("variables") or {}
        if "bulkOperationRunQuery" in query:
            assert re.search(r"orders\(query:", given["query"])
            operation = {"id": "gid://shopify/BulkOperation/1", "status": "CREATED"}
            return {"bulkOperationRunQuery": {"bulkOperation": operation, "userErrors": []}}
        if "BulkOperation" in query:
            self.polls += 1
            done = self.polls > 1
            state = {"status": "COMPLETED" if done else "RUNNING", "errorCode": None}
            return {"node": {**state, "id": given["id"], "url": f"{self.url}/file.jsonl"}}
        if "webhookSubscriptions(" in query:
            all_of_it = {"hasNextPage": False, "endCursor": None}
            return {"webhookSubscriptions": {"pageInfo": all_of_it, "nodes": self.webhooks}}
        if "webhookSubscriptionCreate(" in query:
            return {"webhookSubscriptionCreate": self._subscribed(given)}
        if "nodes(ids:" in query:
            known = {order["id"]: order for order in self.orders}
            return {"nodes": [known.get(name) for name in given["ids"]]}
        changed = re.fullmatch(r"updated_at:>='(.+)'", given["q"])
        listed = [o for o in self.orders if changed is None or o["updatedAt"] >= changed[1]]
        start = int(given["after"] or 0)
        page = listed[start : start + min(self.page, given["first"])]
        end = start + len(page)
        info = {"hasNextPage": end < len(listed), "endCursor": str(end)}
        return {"orders": {"pageInfo": info, "nodes": page}}

    def _subscribed(self, given: dict[str, Any]) -> dict[str, Any]:
        made = webhook(given["topic"], **given["given"])
        told = self.unwanted
        if (made["topic"], made["uri"]) in {(w["topic"], w["uri"]) for w in self.webhooks}:
            told = "Address for this topic has already been taken"
        if told is not None:
            return {"webhookSubscription": None, "userErrors": [{"field": None, "message": told}]}
        self.webhooks.append(made)
        return {"webhookSubscription": {"id": "gid://1"}, "userErrors": []}

    def fails_to_deliver(self, times: int) -> None:
        """So many deliveries in a row fail: after eight the shop deletes every webhook."""
        if times >= 8:
            self.webhooks.clear()

    def lines(self) -> bytes:
        """The bulk operation's file: an order a line, its line items after it."""
        rows = []
        for order in self.orders:
            rows.append({k: v for k, v in order.items() if k != "lineItems"})
            rows += [{**line, "__parentId": order["id"]} for line in order["lineItems"]["nodes"]]
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@contextmanager
def admin_api(orders: list[dict[str, Any]]) -> Iterator[AdminApi]:
    """The stand-in on a free port of this machine."""
    api = AdminApi(orders)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            token = self.headers.get("x-shopify-access-token")
            status, told = api.answer(self.path, body, token)
            self._send(status, json.dumps(told).encode())

        def do_GET(self) -> None:
            self._send(200, api.lines())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
