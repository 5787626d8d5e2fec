"""The peer: Meta's Python SDK builds the same purchases. Runs in its own environment."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.content import Content
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.gender import Gender
from facebook_business.adobjects.serverside.user_data import UserData


def build(person: dict[str, Any]) -> str:
    user = person["user"]
    items = person["items"]
    event = Event(
        event_name="Purchase",
        event_time=person["time"],
        event_id=person["id"],
        event_source_url=person["url"],
        action_source=ActionSource.WEBSITE,
        user_data=UserData(
            email=user["em"],
            phone=user["ph"],
            first_name=user["fn"],
            last_name=user["ln"],
            date_of_birth=user["db"],
            gender=Gender.FEMALE if user["ge"] == "f" else Gender.MALE,
            city=user["ct"],
            state=user["st"],
            zip_code=user["zp"],
            country_code=user["country"],
            external_id=user["external_id"],
            fbp=user["fbp"],
            fbc=person["fbc"],
            client_ip_address=person["ip"],
            client_user_agent=person["agent"],
        ),
        custom_data=CustomData(
            value=person["value"],
            currency=person["currency"],
            content_type="product",
            order_id=person["id"],
            content_ids=[sku for sku, _, _ in items],
            contents=[
                Content(product_id=sku, quantity=quantity, item_price=price)
                for sku, quantity, price in items
            ],
            num_items=len(items),
        ),
    )
    return json.dumps(event.normalize())


def main() -> None:
    sample: list[Any] = []
    seconds = 0.0
    with Path(sys.argv[1]).open(encoding="utf-8") as lines:
        for line in lines:
            chunk = json.loads(line)
            for person in chunk:
                person["value"] = float(person["value"])
                person["items"] = [(sku, n, float(price)) for sku, n, price in person["items"]]
            sample = sample or [json.loads(build(person)) for person in chunk]
            start = time.process_time()
            for person in chunk:
                build(person)
            seconds += time.process_time() - start
    print(json.dumps({"seconds": seconds, "sample": sample}))


if __name__ == "__main__":
    main()
