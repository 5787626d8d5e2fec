"""Sends with `facebook-business`, only its host changed; prints what it got as JSON.

Runs in `.venv-clients`: python send.py HOST
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from facebook_business.adobjects.serverside.action_source import (
    ActionSource,
)
from facebook_business.adobjects.serverside.batch_processor import BatchProcessor
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.event_request_async import EventRequestAsync
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
        }
    return {"received": answer.events_received, "trace": len(answer.fbtrace_id)}


def request(*events: Event, to: str = OPEN, **more: Any) -> EventRequest:
    return EventRequest(pixel_id=to, events=list(events), **more)


def init(token: str, secret: str | None = None) -> None:
    FacebookAdsApi.init(access_token=token, app_secret=secret, crash_log=False)


def open_calls() -> dict[str, Any]:
    """Calls with a token alone."""
    init("TOKEN-OPEN")
    many = [event(f"py-batch-{n}") for n in range(120)]
    BatchProcessor(50, 2).process_events(EventRequestAsync(pixel_id=OPEN, events=[]), many)
    async_request = EventRequestAsync(pixel_id=OPEN, events=[event("py-async")])
    old = int(time.time()) - 8 * 86_400
    return {
        "one": told(request(event("py-one")).execute),
        "again": told(request(event("py-one")).execute),
        "many": told(request(*[event(f"py-many-{n}") for n in range(50)]).execute),
        "async": told(lambda: asyncio.run(async_request.execute())),
        "tested": told(request(event("py-tested"), test_event_code="TEST1").execute),
        "no_name": told(request(event("py-x1", event_name="")).execute),
        "too_old": told(request(event("py-x2"), event("py-x3", event_time=old)).execute),
        "no_money": told(request(event("py-x4", custom_data=CustomData(value=1.0))).execute),
        "nobody": told(request(event("py-x5", user_data=UserData())).execute),
        "nothing": told(request().execute),
        "no_dataset": told(request(event("py-x6"), to="1999").execute),
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
