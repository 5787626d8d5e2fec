"""A rate limit in the manner of the Graph API, off unless it is asked for.

Meta names no limit for conversion events; this one is for trying how a sender behaves.
Its state lives in the process.
"""

import json
from typing import Annotated

from msgspec import Meta, Struct

from tillpost.core.validation import MetaError
from tillpost.receive.wire import Problem

LIMITED = Problem(
    MetaError("(#4) Application request limit reached", "OAuthException", 4, is_transient=True)
)


class Rate(Struct, frozen=True, forbid_unknown_fields=True):
    """At most `calls` to one dataset in `seconds`, in windows that do not slide."""

    calls: Annotated[int, Meta(gt=0)]
    seconds: Annotated[float, Meta(gt=0)] = 3600.0


class RateLimit:
    """Counts calls by dataset."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._began = 0.0
        self._calls: dict[str, int] = {}

    def count(self, dataset_id: str, now: float) -> tuple[bool, dict[str, str]]:
        """Whether the call is over the limit, and the headers that tell how much is used up."""
        if now - self._began >= self._rate.seconds:
            self._began, self._calls = now, {}
        calls = self._calls[dataset_id] = self._calls.get(dataset_id, 0) + 1
        over = calls > self._rate.calls
        used = {
            "call_count": min(100, calls * 100 // self._rate.calls),
            "total_cputime": 0,
            "total_time": 0,
        }
        left = max(1, -int((now - self._began - self._rate.seconds) // 60)) if over else 0
        business = {"type": "ads_management", **used, "estimated_time_to_regain_access": left}
        return over, {
            "x-app-usage": json.dumps(used),
            "x-business-use-case-usage": json.dumps({dataset_id: [business]}),
        }
