"""Taking a request in: verify, parse, identify, stamp, append. The answer follows the fsync.

Raw identifiers live from `parse` to `identify`, in this request's memory, and nowhere else.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, json, structs

from tillpost.core.books import BadRow
from tillpost.core.event import NAMELESS, Entry, Fact, OrderSeen, Parsed, Person, ServerSeen
from tillpost.core.identity import identify
from tillpost.core.outcome import BROKEN, Rejection
from tillpost.core.testers import NOBODY, Testers, is_tester
from tillpost.core.wire import RECEIVED_AT, Request
from tillpost.ports import Journal, Sealer

_TELLING = ("-topic", "-test")
"""Ends of the headers that say what a body is; the others say who sent it."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""Some senders put it before their JSON and sign it with the rest; RFC 8259 lets us ignore it."""


class Source(Protocol):
    """One kind of sender, as functions over plain values."""

    @property
    def name(self) -> str:
        """The sender's name, as paths have it."""

    def verify(self, request: Request, settings: Any) -> Rejection | None:
        """None if the request is from whom it says it is."""

    def parse(self, request: Request, settings: Any) -> list[Parsed] | Rejection:
        """The facts it tells, with the raw identifiers beside them."""


class Intake(Struct, frozen=True):
    """Where a request came in: for which shop, from which source, under which settings."""

    shop: str
    source: Source
    settings: Any
    testers: Testers = NOBODY
    """Whose orders are tests."""
    is_signed: bool = False
    """Whether requests are webhooks, whose sender gives up after some answers but 2xx: what the
    source's code breaks on is kept, sealed, and said to be taken."""


class Taken(Struct, frozen=True):
    """What came of a request: how many facts are on disk, or why it was not taken."""

    facts: int = 0
    rejection: Rejection | None = None


async def accept(
    intake: Intake, request: Request, journal: Journal, sealer: Sealer, now: float
) -> Taken:
    """Take a request in; returns only when what it told is on disk.

    Raises `Retryable` when the disk refuses it: then nothing may be answered with 2xx.
    """
    verdict = intake.source.verify(request, intake.settings)
    if verdict is not None:
        return Taken(rejection=verdict)
    taken = await _taken(intake, request, journal, now)
    if taken.rejection is not None and taken.rejection.keep:
        await journal.keep_bad(_bad_row(intake, request, taken.rejection, sealer, now))
    return taken


async def accept_again(intake: Intake, row: BadRow, journal: Journal, sealer: Sealer) -> Taken:
    """Take in what could not be read when it came, as if it came then, by today's code.

    Its signature was verified when it came. What is taken twice is one: a fact is known by its
    order, refund or event. Raises `Retryable` as `accept`, and as
    `Sealer.open` if the box does not open.
    """
    headers = {**json.decode(row.headers, type=dict[str, str]), RECEIVED_AT: str(row.received_at)}
    request = Request("POST", "", headers, sealer.open(row.sealed))
    return await _taken(intake, request, journal, row.received_at)


async def _taken(intake: Intake, request: Request, journal: Journal, now: float) -> Taken:
    parsed = _parsed(intake, _unmarked(request))
    if isinstance(parsed, Rejection):
        return Taken(rejection=parsed)
    facts = [_identified(_tried(one, intake.testers)) for one in parsed]
    entries = stamp(intake, facts, now)
    if entries:
        await journal.append(entries)
    return Taken(facts=len(entries))


def _unmarked(request: Request) -> Request:
    if not request.body.startswith(_BYTE_ORDER_MARK):
        return request
    return request._replace(body=request.body.removeprefix(_BYTE_ORDER_MARK))


def _parsed(intake: Intake, request: Request) -> list[Parsed] | Rejection:
    try:
        return intake.source.parse(request, intake.settings)
    except BROKEN as error:
        if not intake.is_signed:
            raise
        return Rejection(200, "cannot_read", "body", type(error).__name__, keep=True)


def stamp(intake: Intake, facts: Sequence[Fact], now: float) -> list[Entry]:
    """The facts with who reported them for which shop, and when."""
    return [Entry(intake.shop, intake.source.name, now, fact) for fact in facts]


def _tried(parsed: Parsed, testers: Testers) -> Parsed:
    """What the shop's own people do is a test; only now is their e-mail at hand."""
    fact = parsed.fact
    if testers == NOBODY or not isinstance(fact, OrderSeen | ServerSeen):
        return parsed
    if not is_tester(testers, parsed.raw.get("em", ()), fact.device.client_ip_address):
        return parsed
    return structs.replace(parsed, fact=structs.replace(fact, test=True))


def _identified(parsed: Parsed) -> Fact:
    """The fact with hashed match keys instead of raw identifiers."""
    fact = parsed.fact
    if isinstance(fact, NAMELESS) or not parsed.raw:
        return fact
    found = identify(parsed.raw, parsed.country)
    person = Person(
        keys=found.keys,
        fbc=fact.person.fbc,
        fbp=fact.person.fbp,
        plain={**found.plain, **fact.person.plain},
    )
    return structs.replace(fact, person=person)


def _bad_row(
    intake: Intake, request: Request, rejection: Rejection, sealer: Sealer, now: float
) -> BadRow:
    return BadRow(
        shop=intake.shop,
        source=intake.source.name,
        received_at=now,
        reason=rejection.reason,
        field=rejection.field,
        detail=rejection.detail,
        sealed=sealer.seal(request.body),
        headers=_telling(request.headers),
    )


def _telling(headers: Mapping[str, str]) -> str:
    return json.encode({k: v for k, v in headers.items() if k.endswith(_TELLING)}).decode()
