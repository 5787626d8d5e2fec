"""Making the next answers go wrong, to see what a sender does then: `POST /receiver/faults`.

Each kind is a row of `FAULTS`: what is answered, and whether the events are kept all the
same, for a lost answer is what tells a good sender from a bad one.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from tillpost.core.validation import MetaError
from tillpost.core.wire import Response
from tillpost.receive import wire
from tillpost.receive.wire import Problem


class Fault(Struct, frozen=True):
    """One kind of failure. `problem` is answered in Meta's shape, `body` as it stands.

    `waits` tells that the answer comes late, by `seconds` if the caller says nothing.
    `keeps` tells that the call is carried out before the failure.
    """

    kind: str
    what: str
    problem: Problem | None = None
    body: bytes | None = None
    waits: bool = False
    seconds: float = 0.0
    keeps: bool = False
    headers: tuple[tuple[str, str], ...] = ()


class Planned(Struct, frozen=True):
    """A fault for so many of the next calls."""

    fault: Fault
    times: int
    seconds: float


def _error(code: int, message: str, status: int, subcode: int | None = None) -> Problem:
    transient = code in (1, 2, 4, 17, 341, 613, 80004)
    error = MetaError(
        message, "OAuthException", code, is_transient=transient, error_subcode=subcode
    )
    return Problem(error, status)


_USAGE = '{"call_count":100,"total_cputime":25,"total_time":25}'
_WAIT = (("x-app-usage", _USAGE), ("retry-after", "2"))
_EXPIRED = "Error validating access token: Session has expired"

FAULTS: dict[str, Fault] = {
    fault.kind: fault
    for fault in (
        Fault(
            "429",
            "too many requests",
            _error(4, "(#4) Application request limit reached", 429),
            headers=_WAIT,
        ),
        Fault(
            "rate_limit",
            "the application's limit, with HTTP 400 as the Graph API answers it",
            _error(4, "(#4) Application request limit reached", 400),
            headers=_WAIT,
        ),
        Fault("500", "an unknown error", _error(1, "An unknown error occurred", 500)),
        Fault(
            "503",
            "temporarily out of service",
            _error(2, "Service temporarily unavailable", 503),
            headers=(("retry-after", "2"),),
        ),
        Fault("token_expired", "the token has expired", _error(190, _EXPIRED, 401, 463)),
        Fault("permission", "the token may not send", _error(200, "(#200) Permissions error", 403)),
        Fault("html", "a page of a proxy", body=b"<html><body>Bad Gateway</body></html>"),
        Fault("malformed", "an answer cut short", body=b'{"events_received":', keeps=True),
        Fault("empty", "an answer without a body", body=b"", keeps=True),
        Fault("slow", "a right answer, late", waits=True, seconds=3.0, keeps=True),
        Fault(
            "timeout",
            "no answer in time, and the events are not kept",
            _error(2, "Service temporarily unavailable", 503),
            waits=True,
            seconds=30.0,
        ),
        Fault(
            "lost_answer",
            "the events are kept, and the answer is lost",
            _error(2, "Service temporarily unavailable", 503),
            keeps=True,
        ),
    )
}
"""Every kind of failure by name."""

_STATUS_OF_BODY = {"html": 502}
_MOST_TIMES = 1_000_000
_MOST_SECONDS = 600.0


class FaultQueue:
    """What is planned, in order; forgotten when the process ends."""

    def __init__(self) -> None:
        self._planned: deque[Planned] = deque()

    def plan(self, planned: list[Planned]) -> None:
        """Let these happen after those planned before."""
        self._planned.extend(planned)

    def next(self) -> Planned | None:
        """The fault of this call, if any."""
        if not self._planned:
            return None
        first = self._planned.popleft()
        if first.times > 1:
            self._planned.appendleft(Planned(first.fault, first.times - 1, first.seconds))
        return first

    def clear(self) -> None:
        """Let everything go well again."""
        self._planned.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """What is still planned, as it would be posted."""
        return [
            {"kind": p.fault.kind, "times": p.times, "seconds": p.seconds} for p in self._planned
        ]


def read(body: Mapping[str, Any]) -> list[Planned] | str:
    """The faults of `{"faults": [{"kind", "times"?, "seconds"?}]}`, or what is wrong with it."""
    items = body.get("faults")
    if not isinstance(items, list):
        return 'send {"faults": [{"kind": "429", "times": 3}]}'
    planned = []
    for index, item in enumerate(items):
        found = _planned(item if isinstance(item, dict) else {})
        if isinstance(found, str):
            return f"faults[{index}].{found}"
        planned.append(found)
    return planned


def answer(planned: Planned, real: Response | None, trace_id: str) -> Response:
    """What is answered instead of `real`, which is None where the call was not carried out."""
    fault = planned.fault
    if fault.problem is not None:
        return wire.failed(fault.problem, trace_id, dict(fault.headers))
    if fault.body is not None:
        kind = "text/html" if fault.kind == "html" else "application/json; charset=UTF-8"
        status = _STATUS_OF_BODY.get(fault.kind, 200)
        return Response(status, {"content-type": kind}, fault.body)
    return real if real is not None else wire.failed(wire.BUSY, trace_id)


def _planned(item: Mapping[str, Any]) -> Planned | str:
    fault = FAULTS.get(str(item.get("kind")))
    if fault is None:
        return f"kind must be one of {', '.join(FAULTS)}"
    times, seconds = item.get("times", 1), item.get("seconds", fault.seconds)
    if not isinstance(times, int) or not 1 <= times <= _MOST_TIMES:
        return f"times must be a number from 1 to {_MOST_TIMES}"
    if not isinstance(seconds, int | float) or not 0 <= seconds <= _MOST_SECONDS:
        return f"seconds must be a number from 0 to {_MOST_SECONDS:g}"
    return Planned(fault, times, float(seconds))
