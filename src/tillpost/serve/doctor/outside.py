"""The way out: names, TLS, the clock, the tokens, and a test event that is sent and seen."""

import asyncio
import hashlib
import json
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from msgspec import structs

from tillpost.core import capi
from tillpost.core.event import Event, Person
from tillpost.core.outcome import NotSent, Retryable, State
from tillpost.core.wire import Response
from tillpost.deliver import catalog
from tillpost.deliver.destinations import meta
from tillpost.serve.attention import FIXES
from tillpost.serve.doctor.bench import Bench
from tillpost.serve.doctor.line import Check, Line, fail, ok, warn
from tillpost.serve.tokens import WRITES, standing

SKEW_WARNS = 30.0
SKEW_FAILS = 300.0
"""Seconds: Stripe refuses a signature from so far away, and events would be in the future."""
EXPIRES_SOON = 14 * 86_400.0
TEST_EVENT = "TillpostTest"
"""Name of the test event: no platform optimises for it."""

_LOOKS = 20
_LOOK_SECONDS = 0.25


async def _reach(bench: Bench) -> list[Line]:
    """Whether each platform's name, address and certificate are good from here."""
    lines = []
    for host, url in _hosts(bench).items():
        try:
            await bench.ask("GET", url)
            lines.append(ok("reach", f"{host}: name, address and certificate are good"))
        except NotSent as error:
            lines.append(fail("reach", str(error), _fix_of(str(error), host)))
        except Retryable as error:
            lines.append(warn("reach", str(error), "try again; then ask who runs your network"))
    return lines


def _hosts(bench: Bench) -> dict[str, str]:
    """An address of every host that is sent to, but for this server's own."""
    urls = (str(getattr(given, "url", "")) for _, given in bench.destinations())
    return {urlsplit(url).hostname or url: url for url in urls if url != bench.url}


def _fix_of(words: str, host: str) -> str:
    if "certificate" in words or "TLS" in words:
        return f"something between here and {host} breaks TLS: a proxy, or old CA certificates"
    if "private network" in words:
        return "correct the destination's url, or name its network in server.private_networks"
    return f"check this machine's DNS and firewall: it must reach {host} on port 443"


async def _clock(bench: Bench) -> list[Line]:
    """This machine's clock beside those of the platforms."""
    for host, url in _hosts(bench).items():
        try:
            answer = await bench.ask("GET", url)
            there = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        except (Retryable, ValueError, TypeError):
            continue
        skew = bench.now - there
        told = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {host}"
        if abs(skew) > SKEW_FAILS:
            return [fail("clock", told, "set the clock: timedatectl set-ntp true")]
        if abs(skew) > SKEW_WARNS:
            return [warn("clock", told, "set the clock: timedatectl set-ntp true")]
        return [ok("clock", f"as at {host}")]
    return [ok("clock", "nothing to compare it with")]


async def _tokens(bench: Bench) -> list[Line]:
    """Whether Meta takes each token for its dataset, and how long it still will."""
    lines = []
    for name, given in bench.destinations():
        if isinstance(given, meta.Settings):
            lines += await _token(bench, name, given)
    return lines


async def _token(bench: Bench, name: str, given: meta.Settings) -> list[Line]:
    bearer = {"authorization": f"Bearer {given.access_token}"}
    try:
        told = await bench.ask("GET", f"{given.url}/{given.version}/{given.dataset_id}", bearer)
    except Retryable as trouble:
        return [warn("token", f"{name}: {trouble}", "try again")]
    error: dict[str, Any] = _json(told).get("error") or {}
    if not error and told.status == 200:
        own = given.url == bench.url
        return [ok("token", f"{name}: taken")] if own else [await _expiry(bench, name, given)]
    code, subcode = error.get("code"), error.get("error_subcode")
    reason = "access" if (code, subcode) == (100, 33) else _reason(code)
    words = str(error.get("message") or f"HTTP {told.status}")[:160]
    if reason in {"token", "access"}:
        return [fail("token", f"{name}: {words}", FIXES[reason])]
    return [warn("token", f"{name}: {words}", "try again; then look the platform's words up")]


def _reason(code: object) -> str | None:
    return next((row.reason for row in meta.FAILURES if code in row.codes), None)


async def _expiry(bench: Bench, name: str, given: meta.Settings) -> Line:
    """When the token ends and what it may do."""
    told = await standing(bench.transport, given)
    if not told.may_write:
        what = f"{name}: it has {', '.join(sorted(told.scopes))}, and may not send events"
        return fail("token", what, f"make one with {' or '.join(sorted(WRITES))}")
    if told.ends_at is not None and told.ends_at - bench.now < EXPIRES_SOON:
        days = max((told.ends_at - bench.now) / 86_400, 0)
        return warn("token", f"{name}: expires in {days:.0f} days", FIXES["token"])
    return ok("token", f"{name}: taken" + ("" if told.is_told else "; when it ends is not told"))


async def _test_event(bench: Bench) -> list[Line]:
    """A test event of a custom name: to the receiver here always, to others under a code."""
    lines = []
    for name, given in bench.destinations():
        own = getattr(given, "url", None) == bench.url
        if own or (bench.test_event_code and hasattr(given, "test_event_code")):
            lines.append(await _try(bench, name, given, own=own))
    return lines


async def _try(bench: Bench, name: str, given: Any, *, own: bool) -> Line:
    destination = catalog.members()[given.kind].destination
    coded = given if own else structs.replace(given, test_event_code=bench.test_event_code)
    event = _event(given.shop, bench.now)
    payload = capi.encode(destination.build(event, coded))
    request = destination.encode([payload], coded, bench.now)
    try:
        answer = await bench.transport.send(request, destination.limits.seconds)
    except Retryable as error:
        return fail("test event", f"{name}: {error}", "try again")
    (outcome,) = destination.interpret(answer, [payload])
    if outcome.state is not State.DELIVERED:
        why = outcome.detail or outcome.reason or str(outcome.state)
        fix = FIXES.get(outcome.reason or "", "look the platform's words up; they name the field")
        return fail("test event", f"{name} refused it: {why}", fix)
    if not own:
        return ok("test event", f"{name} took it: see its Test Events tab; it counts as measured")
    if await _seen(bench, given.shop, event.event_id):
        return ok("test event", f"{name}: sent and seen")
    return warn("test event", f"{name}: taken, but not seen", "look at the server's log")


async def _seen(bench: Bench, shop: str, event_id: str) -> bool:
    for _ in range(_LOOKS):
        found = await bench.read(f"/api/v1/receiver/events?event_id={event_id}", shop)
        if found is None or found["items"]:
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False


def _event(shop: str, now: float) -> Event:
    """An event of nobody: its one match key is the hash of a word."""
    nobody = hashlib.sha256(b"tillpost-test").hexdigest()
    return Event(
        shop=shop,
        event_name=TEST_EVENT,
        event_id=f"tillpost-test-{now:.0f}",
        event_time=int(now),
        action_source="system_generated",
        person=Person(keys={"external_id": (("meta", nobody),)}),
    )


def _json(answer: Response) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


CHECKS: tuple[Check, ...] = (
    Check("reach", _reach),
    Check("clock", _clock),
    Check("token", _tokens, ("reach",)),
    Check("test event", _test_event, ("server", "reach", "token")),
)
"""From the name of a platform's host to an event that it took."""
