"""Sends with `facebook-business`, only its host changed; prints what it got as JSON.

Runs in `.venv-clients`: python send.py HOST RECEIVER_TOKEN
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.serverside.action_source import (
    ActionSource,
)
from facebook_business.adobjects.serverside.batch_processor import BatchProcessor
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.event_request_async import EventRequestAsync
from facebook_business.adobjects.serverside.messaging_channel import MessagingChannel
from facebook_business.adobjects.serverside.user_data import UserData
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

OPEN, PROVEN = "1001", "1002"


def event(event_id: str, **changed: Any) -> Event:
    fields = {
        "event_name": "Purchase",
        "event_time": int(time.time()) - 60,
        "event_id": event_id,
        "event_source_url": "https://shop.example/thank-you",
        "action_source": ActionSource.WEBSITE,
        "user_data": UserData(email="Jane.Doe@Example.com", client_user_agent="Mozilla/5.0"),
        "custom_data": CustomData(value=19.99, currency="usd"),
    }
    return Event(**{**fields, **changed})


def told(send: Callable[[], Any]) -> dict[str, Any]:
    """What a call came to: the answer, or what the client's own exception says."""
    try:
        answer = send()
    except FacebookRequestError as error:
        return {
            "status": error.http_status(),
            "code": error.api_error_code(),
            "subcode": error.api_error_subcode(),
            "type": error.api_error_type(),
            "transient": error.api_transient_error(),
            "title": error.body()["error"].get("error_user_title"),
        }
    return {"received": answer.events_received, "trace": len(answer.fbtrace_id)}


def request(*events: Event, to: str = OPEN, **more: Any) -> EventRequest:
    return EventRequest(pixel_id=to, events=list(events), **more)


def init(token: str, secret: str | None = None) -> None:
    FacebookAdsApi.init(access_token=token, app_secret=secret, crash_log=False)


def plan(kind: str) -> None:
    """Let the next call go wrong."""
    headers = {"authorization": f"Bearer {sys.argv[2]}", "content-type": "application/json"}
    body = json.dumps({"faults": [{"kind": kind}]}).encode()
    urlopen(Request(f"{sys.argv[1]}/receiver/faults", body, headers), timeout=10).close()


def failing(kind: str) -> dict[str, Any]:
    plan(kind)
    return told(request(event(f"py-{kind}")).execute)


def pages() -> dict[str, Any]:
    """Insights, a row a page: the client follows `paging.next` by itself."""
    asked = {"level": "ad", "limit": 1, "date_preset": "maximum"}
    rows = AdAccount("act_77").get_insights(fields=["ad_id"], params=asked)
    return {"rows": [row["ad_id"] for row in rows]}


def wrong_events() -> dict[str, Any]:
    """One wrong event each, by what is wrong with it."""
    now = int(time.time())
    item = Content(quantity=1, item_price=19.99)
    phone = UserData(email="jane.doe@example.com")
    return {
        "no_name": event("py-x1", event_name=""),
        "too_old": event("py-x3", event_time=now - 8 * 86_400),
        "future": event("py-x9", event_time=now + 86_400),
        "no_value": event("py-x10", custom_data=CustomData(currency="usd")),
        "no_money": event("py-x4", custom_data=CustomData(value=1.0)),
        "content_without_id": event(
            "py-x11", custom_data=CustomData(value=1.0, currency="usd", contents=[item])
        ),
        "nobody": event("py-x5", user_data=UserData()),
        "messaging": event(
            "py-x12",
            event_name="Lead",
            action_source=ActionSource.BUSINESS_MESSAGING,
            messaging_channel=MessagingChannel.WHATSAPP,
            user_data=phone,
        ),
    }


def open_calls() -> dict[str, Any]:
    """Calls with a token alone."""
    init("TOKEN-OPEN")
    many = [event(f"py-batch-{n}") for n in range(120)]
    BatchProcessor(50, 2).process_events(EventRequestAsync(pixel_id=OPEN, events=[]), many)
    async_request = EventRequestAsync(pixel_id=OPEN, events=[event("py-async")])
    return {
        "one": told(request(event("py-one")).execute),
        "again": told(request(event("py-one")).execute),
        "many": told(request(*[event(f"py-many-{n}") for n in range(50)]).execute),
        "async": told(lambda: asyncio.run(async_request.execute())),
        "tested": told(request(event("py-tested"), test_event_code="TEST1").execute),
        **{name: told(request(event("py-ok"), e).execute) for name, e in wrong_events().items()},
        "nothing": told(request().execute),
        "too_many": told(request(*[event(f"py-{n}") for n in range(1001)]).execute),
        "no_dataset": told(request(event("py-x6"), to="1999").execute),
        "limited": failing("rate_limit"),
        "unknown_error": failing("500"),
        "expired": failing("token_expired"),
        "pages": pages(),
    }


def main() -> None:
    FacebookSession.GRAPH = sys.argv[1]
    told_all = open_calls()
    init("TOKEN-WRONG")
    told_all["wrong_token"] = told(request(event("py-x7")).execute)
    init("TOKEN-PROVEN", "clients-app-secret")
    told_all["proven"] = told(request(event("py-proven"), to=PROVEN).execute)
    init("TOKEN-PROVEN")
    told_all["no_proof"] = told(request(event("py-x8"), to=PROVEN).execute)
    init("TOKEN-PROVEN", "another-secret")
    told_all["wrong_proof"] = told(request(event("py-x9"), to=PROVEN).execute)
    sys.stdout.write(json.dumps(told_all))


main()
