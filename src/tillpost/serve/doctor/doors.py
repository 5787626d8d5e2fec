"""The way in: a delivery of our own to each webhook, the script, its beacons and cookies."""

import base64
import hmac
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlsplit

from tillpost.core import click
from tillpost.core.outcome import Retryable
from tillpost.serve.doctor.bench import Bench
from tillpost.serve.doctor.line import Check, Line, fail, ok, warn
from tillpost.serve.memory import PROBE
from tillpost.serve.settings import ShopSettings

_BODY = b'{"id":1,"type":"tillpost.doctor","created":0,"livemode":true,"data":{"object":{}}}'
_VISITOR = "tillpost-doctor"
TOPIC = "tillpost/doctor"
"""A topic that no source keeps anything of."""


class _System(NamedTuple):
    """A shop system: the headers of a delivery of ours, and where its secret is shown."""

    name: str
    headers: Callable[[bytes, ShopSettings, int], dict[str, str]]
    place: str


def _digest(secret: bytes, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret, body, sha256).digest()).decode()


def _shopify(secret: bytes, shop: ShopSettings, _now: int) -> dict[str, str]:
    return {
        "x-shopify-topic": TOPIC,
        "x-shopify-shop-domain": shop.domain,
        "x-shopify-hmac-sha256": _digest(secret, _BODY),
    }


def _woocommerce(secret: bytes, _shop: ShopSettings, _now: int) -> dict[str, str]:
    return {"x-wc-webhook-topic": TOPIC, "x-wc-webhook-signature": _digest(secret, _BODY)}


def _stripe(secret: bytes, _shop: ShopSettings, now: int) -> dict[str, str]:
    signed = hmac.new(secret, f"{now}.".encode() + _BODY, sha256).hexdigest()
    return {"stripe-signature": f"t={now},v1={signed}"}


_SYSTEMS = (
    _System("shopify", _shopify, "Settings > Notifications > Webhooks"),
    _System("woocommerce", _woocommerce, "WooCommerce > Settings > Advanced > Webhooks"),
    _System("stripe", _stripe, "Developers > Webhooks > the endpoint"),
)


async def _webhooks(bench: Bench) -> list[Line]:
    """A delivery signed by us is taken, and one that is signed by nobody is not."""
    return [
        await _deliver(bench, shop, system, getattr(shop, system.name).webhook_secrets)
        for shop in bench.settings.shops
        for system in _SYSTEMS
        if getattr(shop, system.name) is not None
    ]


async def _deliver(
    bench: Bench, shop: ShopSettings, system: _System, secrets: tuple[str, ...]
) -> Line:
    where = f"{system.name} of {shop.name}"
    if not secrets or not all(secret.strip() for secret in secrets):
        return fail(
            "webhooks",
            f"{where} has no secret: every order is refused",
            f"put it into shops.{system.name}.webhook_secrets; it is shown under {system.place}",
        )
    url = f"{bench.url}/webhooks/{system.name}/{shop.name}"
    now = int(bench.now)
    kind = {"content-type": "application/json", PROBE: "doctor"}
    try:
        signed = [
            (await bench.ask("POST", url, {**kind, **system.headers(s.encode(), shop, now)}, _BODY))
            for s in (*secrets, "nobody's secret")
        ]
    except Retryable as error:
        return fail("webhooks", f"{where}: {error}", "look at the server's log")
    *ours, strange = signed
    refused = next((answer for answer in ours if answer.status != 200), None)
    if refused is not None:
        what = f"{where} refuses a delivery signed with its own secret ({refused.status})"
        return fail("webhooks", what, "restart the server: it runs with other settings than these")
    if strange.status != 401:
        what = f"{where} takes a delivery that nobody signed ({strange.status})"
        return fail("webhooks", what, "something in front of the server answers: look at the proxy")
    return await _others(bench, shop, system) or ok(
        "webhooks", f"{where}: signed deliveries are taken, others refused"
    )


async def _others(bench: Bench, shop: ShopSettings, system: _System) -> Line | None:
    """Whether the newest delivery that was not ours was signed with another secret."""
    told = await bench.read(f"/setup.json?shop={shop.name}", shop.name)
    at = (told or {}).get("refused", {}).get(system.name)
    if at is None:
        return None
    minutes = max((bench.now - at) / 60, 0)
    return warn(
        "webhooks",
        f"{system.name} of {shop.name}: the newest delivery, {minutes:.0f} minutes ago, "
        "was signed with another secret",
        f"put the one that is shown under {system.place} into "
        f"shops.{system.name}.webhook_secrets, and restart",
    )


async def _heard(bench: Bench) -> list[Line]:
    """Whether the server's public address reaches this server."""
    public = bench.settings.server.public_url
    if public is None:
        return [
            warn(
                "public address",
                "server.public_url is not set",
                "set it to the https address that browsers and the shop reach this server at",
            )
        ]
    if not public.startswith("https://"):
        return [
            fail(
                "public address",
                f"{public} is not https: browsers refuse the script, Shopify the webhook",
                "put a proxy with TLS in front, e.g. deploy/compose.yaml",
            )
        ]
    try:
        answer = await bench.ask("GET", f"{public.rstrip('/')}/healthz")
    except Retryable as error:
        fix = "check its DNS record, its certificate and the proxy"
        return [warn("public address", f"not reached from here: {error}", fix)]
    if answer.status != 200:
        what = f"{public}/healthz answers {answer.status}"
        return [fail("public address", what, "let the proxy pass every path to this server")]
    return [ok("public address", public)]


async def _pixel(bench: Bench) -> list[Line]:
    """Each shop's script is served, its beacons are taken, and its cookies can be first-party."""
    lines = []
    for shop in bench.settings.shops:
        lines += [await _script(bench, shop), *await _cookies(bench, shop)]
    return lines


async def _script(bench: Bench, shop: ShopSettings) -> Line:
    path = f"{shop.pixel.path}.js?shop={shop.name}"
    origin = shop.origins[0] if shop.origins else f"https://{shop.domain}"
    try:
        script = await bench.ask("GET", f"{bench.url}{path}")
        beacon = await bench.ask(
            "OPTIONS", f"{bench.url}{shop.pixel.path}/{shop.name}", {"origin": origin}
        )
    except Retryable as error:
        return fail("pixel", f"{shop.name}: {error}", "look at the server's log")
    if script.status != 200 or b"tillpost" not in script.body:
        what = f"{shop.name}: {path} answers {script.status}"
        return fail("pixel", what, "restart the server: it runs with other settings than these")
    if beacon.headers.get("access-control-allow-origin") != origin:
        what = f"{shop.name}: beacons of {origin} are not allowed"
        return fail("pixel", what, "restart the server: it runs with other settings than these")
    return ok("pixel", f"{shop.name}: {path}, {len(script.body):,} bytes; beacons of {origin}")


async def _cookies(bench: Bench, shop: ShopSettings) -> list[Line]:
    """Cookies of the server last longer than a script's only under the shop's own domain."""
    public = bench.settings.server.public_url
    if public is None:
        return []
    here = click.registrable_domain(urlsplit(public).hostname or "")
    origins = [*shop.origins, f"https://{shop.domain}"]
    own = (o for o in origins if click.registrable_domain(urlsplit(o).hostname or "") == here)
    origin = next(own, None) if here is not None else None
    if origin is None:
        page = urlsplit(origins[0]).hostname
        what = f"{shop.name}: {public} is another site than {page}; Safari drops cookies in 7 days"
        fix = "give this server a name under the shop's own domain, e.g. tp.YOUR-SHOP"
        return [warn("cookies", what, fix)]
    return [await _cookie(bench, shop, origin, here or "")]


async def _cookie(bench: Bench, shop: ShopSettings, origin: str, domain: str) -> Line:
    """A beacon without events, with a visitor's cookie: the answer must set it again."""
    host = urlsplit(bench.settings.server.public_url or "").netloc
    headers = {"origin": origin, "host": host, "cookie": f"_tp_vid={_VISITOR}"}
    url = f"{bench.url}{shop.pixel.path}/{shop.name}"
    try:
        answer = await bench.ask("POST", url, headers, b'{"events":[]}')
    except Retryable as error:
        return fail("cookies", f"{shop.name}: {error}", "look at the server's log")
    if f"_tp_vid={_VISITOR}; Domain={domain};" not in answer.headers.get("set-cookie", ""):
        what = f"{shop.name}: the answer to a beacon of {origin} sets no cookie ({answer.status})"
        return fail("cookies", what, "restart the server: it runs with other settings than these")
    return ok("cookies", f"{shop.name}: first-party, set by the server under {domain}")


CHECKS: tuple[Check, ...] = (
    Check("webhooks", _webhooks, ("server",)),
    Check("public address", _heard, ("server",)),
    Check("pixel", _pixel, ("server",)),
)
"""What the shop's server and its browsers must be able to do."""
