"""What Meta's own packages make of people: JSON in, JSON out. Runs in `.venv-oracles`."""

import json
import sys
from typing import Any

from capi_param_builder import ParamBuilder  # type: ignore[import-not-found]
from facebook_business.adobjects.serverside.normalize import Normalize
from facebook_business.adobjects.serverside.user_data import UserData

FIELDS = ("em", "ph", "fn", "ln", "db", "ge", "ct", "st", "zp", "country", "external_id")


def told(field: str, value: str) -> str | None:
    """What the SDK sends for a value: a hash, its own text, or nothing if it refuses."""
    try:
        if field == "external_id":
            [own] = UserData(external_id=value).normalize()[field]
            return str(own)
        sent: str | None = Normalize.normalize(field, value, True)
    except (TypeError, ValueError):
        return None
    return sent


def kept(visit: dict[str, Any]) -> str | None:
    """The `fbc` the parameter builder has after a page view."""
    builder = ParamBuilder(["example.com"])
    cookies = {"_fbc": visit["cookie"]} if visit["cookie"] else {}
    query = {"fbclid": [visit["fbclid"]]} if visit["fbclid"] else {}
    builder.process_request("www.example.com", query, cookies, None)
    fbc: str | None = builder.get_fbc()
    return fbc


def main() -> None:
    asked = json.load(sys.stdin)
    answer = {
        "people": [{name: told(name, one[name]) for name in FIELDS} for one in asked["people"]],
        "visits": [kept(visit) for visit in asked["visits"]],
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
