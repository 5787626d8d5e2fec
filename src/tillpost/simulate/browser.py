"""The shopper's browser: our script's beacons, and the page's own hits to the ad platform."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode

from msgspec import json

from tillpost.simulate.devices import Cookies, Device, scripts_run
from tillpost.simulate.dice import Dice
from tillpost.simulate.journeys import BotVisit, Visit
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.links import GATEWAYS, SHOP
from tillpost.simulate.people import Person, customer_id, hashed
from tillpost.simulate.sales import Sale, presented
from tillpost.simulate.shopify import Checkout
from tillpost.simulate.times import DAY, step_end
from tillpost.simulate.webhooks import delay
from tillpost.simulate.wire import DATASET, ORIGIN, Planned, Request, Secrets, encode


def consent(who: Person) -> dict[str, bool | None] | None:
    """What the banner was told; None where nobody asked and nothing was refused."""
    if who.consent == "not_asked":
        if not who.opted_out:
            return None
        return {"marketing": None, "analytics": None, "sale_of_data": False}
    answer = {"granted": True, "denied": False}.get(who.consent)
    return {"marketing": answer, "analytics": answer, "sale_of_data": None}


def attributes(
    dice: Dice, knobs: Knobs, sale: Sale, visit: Visit | None, cookies: Cookies | None
) -> Checkout:
    """The order's browser side, with what the script wrote into the cart."""
    express = dice.chance(knobs.express, "express", sale.index)
    if visit is None or visit.browser.blocks_own or express:
        return Checkout(sale, visit, cookies, express, ())
    rows: list[tuple[str, str]] = []
    if cookies is not None:
        rows = [("_tillpost_visitor", cookies.visitor), ("_fbp", cookies.fbp)]
        rows += [("_fbc", cookies.fbc)] if cookies.fbc else []
        rows.append(("_tillpost_landing", visit.link.url))
    told = consent(sale.buyer)
    if told is not None:
        rows.append(("_tillpost_consent", json.encode(told).decode()))
    return Checkout(sale, visit, cookies, express, tuple(rows))


def visit_beacon(visit: Visit, cookies: Cookies | None, sale: Sale | None) -> Planned | None:
    """The beacon that tells the pages of a visit, with what was put in the cart."""
    if cookies is None or not scripts_run(visit.who, visit.browser):
        return None
    last = visit.at + 40 * (len(visit.pages) - 1) + 2
    at = visit.at + 180 if sale else last
    make = partial(_visit_request, visit, cookies, sale, at)
    return Planned(at, visit.browser.id, "beacon", make)


def bot_beacon(bot: BotVisit) -> Planned:
    """A machine's page view; machines take no cookies along."""
    event = {
        "event_name": "PageView",
        "event_id": bot.id,
        "event_time": int(bot.at),
        "event_source_url": SHOP + bot.page,
        "referrer_url": "",
        "custom_data": {},
        "fbp": f"fb.1.{int(bot.at * 1000)}.{int(bot.at * 7919) % 10**9 + 1}",
        "fbc": None,
        "visitor_id": f"bot-{bot.id}",
        "direct": "none",
    }
    request = _post({"events": [event]}, bot.ip, bot.user_agent)
    return Planned(bot.at + 1, f"b{bot.ip}", "beacon", lambda _: request)


def purchase_requests(dice: Dice, knobs: Knobs, checkout: Checkout) -> Iterator[Planned]:
    """What the thank-you page sends: our beacon and, if nothing stops it, the page's own hit."""
    sale, visit = checkout.sale, checkout.visit
    if visit is None or not thanked(dice, knobs, sale):
        return
    at = sale.at + _thanks_after(dice, knobs, sale)
    times = [at]
    if dice.chance(knobs.reload, "reload", sale.index):
        times.append(at + dice.between(5, 300, "reload-after", sale.index))
    for when in times:
        yield from _thank_you(dice, knobs, checkout, when)
    if dice.chance(knobs.revisit, "revisit", sale.index) and not visit.browser.blocks_own:
        # The script remembers the order, so the page's own hit is not sent again.
        make = partial(_purchase_request, checkout, at + 3 * DAY, "none", None)
        yield Planned(at + 3 * DAY, visit.browser.id, "beacon", make)


def thanked(dice: Dice, knobs: Knobs, sale: Sale) -> bool:
    """Whether the thank-you page ran at all."""
    return sale.kind == "web" and not dice.chance(knobs.tab_closed, "tab-closed", sale.index)


def direct_state(checkout: Checkout) -> str:
    """Whether the page's own hit went out: sent, blocked or none."""
    visit, sale = checkout.visit, checkout.sale
    if visit is None or sale.status == "pending":
        return "none"
    if sale.buyer.consent in {"denied", "unanswered"}:
        return "none"
    return "blocked" if visit.browser.blocks_vendor else "sent"


def event_id(sale: Sale) -> str:
    """The id both twins of a web order carry."""
    return f"purchase.{sale.checkout_token}"


def page_value(knobs: Knobs, sale: Sale) -> Decimal:
    """What the page calls the value, in the buyer's money."""
    amount = sale.subtotal() if knobs.value_base == "subtotal" else sale.total()
    return presented(amount, sale.currency)


def _thanks_after(dice: Dice, knobs: Knobs, sale: Sale) -> float:
    """Seconds from the sale to its thank-you page.

    The simulated clock moves in steps: a page just past the step of the order's webhook
    comes at its end, or whether the beacon was waited for would be a race.
    """
    webhook = delay(dice, knobs, sale.index, 0)
    quick = dice.between(0.3, 1.2, "thanks", sale.index)
    late = dice.chance(knobs.late_beacon, "late-beacon", sale.index)
    after = min(webhook, 60.0) + 1 + quick * 3 if late else quick
    return min(after, step_end(sale.at + webhook) - sale.at - 0.001)


def _thank_you(dice: Dice, knobs: Knobs, checkout: Checkout, at: float) -> Iterator[Planned]:
    visit, sale = checkout.visit, checkout.sale
    if visit is None:
        return
    direct, lane = direct_state(checkout), visit.browser.id
    gateway = None
    if dice.chance(knobs.gateway_return, "gateway", sale.index):
        gateway = dice.pick(GATEWAYS, "which-gateway", sale.index)
    if not visit.browser.blocks_own:
        make = partial(_purchase_request, checkout, at, direct, gateway)
        value = page_value(knobs, sale)
        yield Planned(at, lane, "beacon", partial(make, value=value))
    if direct == "sent":
        for eid in _direct_ids(knobs, dice, sale):
            hit = partial(_direct_request, checkout, at, eid, page_value(knobs, sale))
            yield Planned(at + 0.1, lane, "direct", hit)
        if knobs.native_full:
            native = partial(_native_request, checkout, at, _native_id(dice, sale))
            yield Planned(at + 3, lane, "graph", native)


def _direct_ids(knobs: Knobs, dice: Dice, sale: Sale) -> list[str | None]:
    """The eventID of each Purchase the page's own pixels send; None is none."""
    ids: list[str | None] = [event_id(sale)]
    ids += [None] if knobs.theme_fbq else []
    ids += [sale.name.removeprefix("#")] if knobs.order_name_ids else []
    ids += [_native_id(dice, sale)] if knobs.native_full else []
    return ids


def _native_id(dice: Dice, sale: Sale) -> str:
    return "sh-" + dice.uuid("native", sale.index)[1:]


def _event(  # noqa: PLR0913, PLR0917  # one event of the beacon is these facts
    name: str, event: str, at: float, browser: Device, cookies: Cookies | None, url: str,
    referrer: str, custom: dict[str, Any], direct: str, who: Person,
) -> dict[str, Any]:  # fmt: skip
    row: dict[str, Any] = {
        "event_name": name,
        "event_id": event,
        "event_time": int(at + browser.skew),
        "event_source_url": url,
        "referrer_url": referrer,
        "custom_data": custom,
        "fbp": cookies.fbp if cookies else None,
        "fbc": cookies.fbc if cookies else None,
        "visitor_id": cookies.visitor if cookies else None,
        "direct": direct,
    }
    told = consent(who)
    return row if told is None else row | {"consent": told}


def _visit_request(
    visit: Visit, cookies: Cookies, sale: Sale | None, sent: float, _: Secrets
) -> Request:
    rows, before = [], visit.link.referrer
    common = (visit.browser, cookies)
    for n, page in enumerate(visit.pages):
        url = visit.link.url if n == 0 else SHOP + page
        at = visit.at + 40 * n
        rows.append(
            _event(
                "PageView",
                f"pv.{visit.id}.{n}.{cookies.visitor[:8]}",
                at,
                *common,
                url,
                before,
                {},
                "none",
                visit.who,
            )
        )
        before = url
    if sale is not None:
        rows += _cart_events(visit, cookies, sale, before)
    return _told(rows, visit.browser, sent)


def _cart_events(visit: Visit, cookies: Cookies, sale: Sale, before: str) -> list[dict[str, Any]]:
    line = sale.lines[0]
    url = f"{SHOP}/products/{line.handle}"
    price = presented(line.price, sale.currency)
    custom = {
        "value": str(price),
        "currency": sale.currency,
        "content_ids": [str(8_100_000_000 + line.number)],
        "content_type": "product",
    }
    at = visit.at + 130
    rows = [
        _event(
            name,
            f"{name[:2].lower()}.{sale.checkout_token}",
            at + n,
            visit.browser,
            cookies,
            url,
            before,
            custom,
            "none",
            visit.who,
        )
        for n, name in enumerate(("ViewContent", "AddToCart"))
    ]
    start = _event("InitiateCheckout", f"ic.{sale.checkout_token}", at + 40, visit.browser, cookies,
                   f"{SHOP}/checkouts/cn/{sale.cart_token}", url,
                   {"value": str(presented(sale.subtotal(), sale.currency)),
                    "currency": sale.currency}, "none", visit.who)  # fmt: skip
    start["checkout_token"] = sale.checkout_token
    return [*rows, start]


def _purchase_request(  # bound in two steps: order first, then money
    checkout: Checkout, at: float, direct: str, gateway: str | None, _: Secrets, *,
    value: Decimal | None = None,
) -> Request:  # fmt: skip
    sale, visit = checkout.sale, checkout.visit
    if visit is None:
        raise ValueError("an order without a browser has no thank-you page")
    url = f"{SHOP}/checkouts/cn/{sale.cart_token}/thank-you"
    amount = presented(sale.total(), sale.currency) if value is None else value
    custom = {
        "value": str(amount),
        "currency": sale.currency,
        "content_ids": [str(8_100_000_000 + line.number) for line in sale.lines],
        "content_type": "product",
        "num_items": sum(line.quantity for line in sale.lines),
    }
    common = (visit.browser, checkout.cookies)
    rows = []
    if gateway is not None and checkout.cookies is not None:
        rows.append(
            _event(
                "PageView",
                f"pv.{sale.checkout_token}",
                at,
                *common,
                url,
                gateway,
                {},
                "none",
                visit.who,
            )
        )
    row = _event("Purchase", event_id(sale), at, *common, url, gateway or SHOP + "/cart", custom,
                 direct, visit.who)  # fmt: skip
    rows.append(row | {"checkout_token": sale.checkout_token})
    return _told(rows, visit.browser, at)


def _direct_request(
    checkout: Checkout, at: float, eid: str | None, value: Decimal, _: Secrets
) -> Request:
    sale, visit, cookies = checkout.sale, checkout.visit, checkout.cookies
    if visit is None:
        raise ValueError("an order without a browser has no page of its own")
    query = {
        "id": DATASET,
        "ev": "Purchase",
        "dl": f"{SHOP}/checkouts/cn/{sale.cart_token}/thank-you",
        "rl": f"{SHOP}/cart",
        "if": "false",
        "ts": str(int((at + visit.browser.skew) * 1000)),
        "cd[value]": str(value),
        "cd[currency]": sale.currency,
        "cd[order_id]": str(sale.id),
        "v": "2.9.324",
    }
    query |= {"eid": eid} if eid else {}
    if cookies is not None:
        query |= {"fbp": cookies.fbp} | ({"fbc": cookies.fbc} if cookies.fbc else {})
    if not sale.guest:
        query["ud[external_id]"] = hashed(str(customer_id(sale.buyer.email)))
    if sale.buyer.opted_out:
        query |= {"dpo": "LDU", "dpoco": "0", "dpost": "0"}
    headers = (
        ("User-Agent", visit.browser.user_agent),
        ("Referer", f"{ORIGIN}/"),
        ("X-Forwarded-For", visit.browser.seen_ip),
    )
    return Request("GET", f"/tr?{urlencode(query)}", headers)


def _native_request(checkout: Checkout, at: float, eid: str, secrets: Secrets) -> Request:
    """The server half of the shop's own Meta channel."""
    sale = checkout.sale
    event = {
        "event_name": "Purchase",
        "event_time": int(at),
        "event_id": eid,
        "action_source": "website",
        "event_source_url": f"{SHOP}/checkouts/cn/{sale.cart_token}/thank-you",
        "user_data": {
            "em": [hashed(sale.typed.email_fact)],
            "client_user_agent": checkout.visit.browser.user_agent if checkout.visit else "",
        },
        "custom_data": {
            "value": float(presented(sale.total(), sale.currency)),
            "currency": sale.currency,
            "order_id": str(sale.id),
        },
    }
    body = encode({"data": [event], "access_token": secrets.access_token})
    headers = (("Content-Type", "application/json"),)
    return Request("POST", f"/v25.0/{DATASET}/events", headers, body)


def _told(rows: list[dict[str, Any]], browser: Device, at: float) -> Request:
    """A beacon; a browser whose clock is off says what it shows when the beacon leaves."""
    beacon: dict[str, Any] = {"events": rows}
    if browser.skew:
        beacon["sent_at"] = step_end(at) + browser.skew
    return _post(beacon, browser.seen_ip, browser.user_agent)


def _post(beacon: dict[str, Any], ip: str, agent: str) -> Request:
    headers = (
        ("Content-Type", "text/plain;charset=UTF-8"),
        ("Origin", ORIGIN),
        ("User-Agent", agent),
        ("X-Forwarded-For", ip),
    )
    return Request("POST", "/px/demo", headers, encode(beacon))
