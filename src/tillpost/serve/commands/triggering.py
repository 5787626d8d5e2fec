"""Playing one sale at the running server: what the settings know of the shop, and what came."""

import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tillpost.core.outcome import FINAL, Retryable
from tillpost.serve.access import Access
from tillpost.serve.clock import SystemClock
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.serve.settings import Settings, ShopSettings
from tillpost.store.lock import server_of

_ANSWER_SECONDS = 20.0
_LOOK_SECONDS = 0.2
_GRACE_SECONDS = 15.0
"""How long after its hold a Purchase may take to be delivered."""


class Stage:
    """A shop of the settings and its running server; raises `Misconfigured` if none runs."""

    def __init__(self, config_file: Path | None, data: Path | None, shop: str | None) -> None:
        settings, directory = settings_of(config_file, data)
        name = shop_of(settings, shop)
        self.shop = next(given for given in settings.shops if given.name == name)
        self._url = url = server_of(directory)
        self._settings = settings
        self._remote = Remote(url, settings, name, "reports")

    def place(self) -> dict[str, Any]:
        """What a sale must know of the shop, as `simulate.trigger.Place` takes it."""
        shop, settings = self.shop, self._settings
        shopify = shop.shopify.webhook_secrets if shop.shopify is not None else ()
        return {
            "shop": shop.name,
            "domain": shop.domain,
            "origin": shop.origins[0] if shop.origins else f"https://{shop.domain}",
            "currency": shop.currency,
            "country": shop.country or "US",
            "pixel_path": shop.pixel.path,
            "server_key": Access(settings, SystemClock()).any_key("events", shop.name),
            "webhook_secret": shopify[0] if shopify else None,
            "receiver_token": settings.receiver.token if _is_embedded(settings, shop) else None,
        }

    def post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Status and words of the answer; raises `Retryable` if there is none."""
        request = urllib.request.Request(self._url + path, body, headers)  # noqa: S310  # our own server
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310  # nosec B310
                return answer.status, ""
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")[:300]
        except OSError as error:
            raise Retryable(f"the server does not answer ({error}): try again") from None

    def outcome(self, order_id: str) -> dict[str, Any]:
        """The order's item of the API once it ended everywhere, and what the receiver has of it."""
        until = time.monotonic() + self.shop.orders.join_wait + _GRACE_SECONDS
        while True:
            items = self._remote.get(f"/api/v1/events?order_id={order_id}")["items"]
            sales = [item for item in items if item["event_name"] == "Purchase"]
            done = bool(sales) and all(o["state"] in FINAL for o in sales[0]["outcomes"])
            if done or time.monotonic() > until:
                return {"event": sales[0] if sales else None, "received": self._received(sales)}
            time.sleep(_LOOK_SECONDS)

    def _received(self, sales: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not sales:
            return []
        path = f"/api/v1/receiver/events?event_id={sales[0]['event_id']}"
        for _ in range(10):
            items: list[dict[str, Any]] = self._remote.get(path)["items"]
            if items:
                return items
            time.sleep(_LOOK_SECONDS)
        return []


def _is_embedded(settings: Settings, shop: ShopSettings) -> bool:
    return any(d.is_embedded for d in settings.destinations if d.shop == shop.name)
