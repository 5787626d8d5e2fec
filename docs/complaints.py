"""What users of such tools complain of, and what becomes of each complaint here.

The numbers are those of the survey; `cases` come from the golden cases themselves.
"""

from typing import NamedTuple

from docs.cases import by_complaint
from docs.tables import code, table

OUTBOX = "`tests/deliver/test_outbox.py`"
META = "`tests/cases/destinations/meta`"
PIXEL = "`tests/browser/test_pixel.py`"
SANDBOX = "`tests/browser/test_shopify.py`"
STORES = "`src/tillpost/testing/outbox.py`"
IDENTITY = "`tests/cases/identity`"
COOKIES = "`tests/browser/test_checkout.py`, `tests/core/test_cookies.py`"
RECEIVER = "[testing](../guides/testing-a-capi-integration.md)"
BY_DESIGN, ELSEWHERE = "by design", "not applicable"


class Answer(NamedTuple):
    """A complaint, and what stands against it besides the golden cases."""

    complaint: str
    how: str = ""
    where: str = ""


AREAS: tuple[tuple[str, int, tuple[Answer, ...]], ...] = (
    (
        "Duplicates",
        1,
        (
            Answer("name and id are equal on both sides, and nothing is deduplicated"),
            Answer("deduplication falls to nothing overnight, for all accounts"),
            Answer("ids are missing, so that every sale counts twice"),
            Answer("Purchase goes out without an event_id"),
            Answer("one purchase of the data layer becomes two events"),
            Answer("Purchase leaves while the checkout is still being edited, under another id"),
            Answer(
                "one id is used for many events",
                where="the script makes each event its own; one that the page's own fbq brings "
                "is kept as it is, and is told of where a cache gives it to many visitors",
            ),
            Answer(
                "an app's SDK and its server events never meet",
                ELSEWHERE,
                "there is no app SDK here; app events of a back end keep their ids and flags",
            ),
            Answer("a plugin sends app events without an id"),
            Answer(
                "a library has no way to pass the eventID", BY_DESIGN, f"fbq's own shape: {PIXEL}"
            ),
            Answer("InitiateCheckout has no id"),
            Answer(
                "reports add sums that contain each other, and show twice the truth",
                BY_DESIGN,
                "of the names of one claim only one is read, and each order is one row: "
                "`tests/report/test_meta_insights.py`, `tests/report/test_roas.py`",
            ),
            Answer("a subscription doubles the Purchase that started it"),
            Answer("`#1042` here, `1042` there: two pixels, two formats, two purchases"),
            Answer("the shop's own channel and a tag manager both own the event"),
        ),
    ),
    (
        "The wrong moment, the wrong order",
        16,
        (
            Answer("unpaid and cancelled orders are reported as revenue"),
            Answer("a purchase without products, with empty content ids"),
            Answer("renewals are mistaken for what they copied their metadata from"),
            Answer(
                "a sale or a registration fires twice on the thank-you page",
                where=f"a page that is loaded again tells its views only: {PIXEL}",
            ),
            Answer("no purchase from the browser inside an app"),
            Answer("an old order page, opened again, is a new purchase"),
            Answer("test orders and orders of staff cannot be left out"),
            Answer("orders that staff type in after a call count as conversions"),
            Answer("refunds and cancellations never reach anybody"),
            Answer("drafts count as conversions"),
            Answer("till, draft and app orders are seen by no pixel, and cannot be chosen"),
            Answer("a sale is reported that no shopper began"),
        ),
    ),
    (
        "Click ids and cookies",
        28,
        (
            Answer("the platform warns of modified click ids"),
            Answer("the time of the click moves with every event"),
            Answer("the click id is not sent unless asked for"),
            Answer("a parser refuses valid cookies and makes new ones"),
            Answer("invalid fbp"),
            Answer("half a click cookie sinks the whole event"),
            Answer(
                "two first requests at once give one browser two fbp",
                BY_DESIGN,
                f"only the browser makes one, and keeps one that is there: {PIXEL}, {SANDBOX}",
            ),
            Answer("no fbp without the vendor's own script", where=f"the script makes it: {PIXEL}"),
            Answer(
                "cookies should be written by the server, against ITP",
                BY_DESIGN,
                "the answer to a beacon sets them again where the browser allows it, "
                f"[the pixel](../guides/pixel.md) says where: {COOKIES}",
            ),
            Answer("no fbc on the first page after the click"),
            Answer("a bare fbclid has to be spelled by hand"),
            Answer(
                "the cookie is set for the wrong domain",
                BY_DESIGN,
                "the script finds the widest domain that the browser takes by trying, the server "
                f"sets the page's own, also behind a proxy: {PIXEL}, `tests/core/test_cookies.py`",
            ),
            Answer("click ids of more than 90 days ago are sent"),
        ),
    ),
    (
        "Normalisation and hashing",
        41,
        (
            Answer("browser and server spell a name differently, so the hashes differ"),
            Answer("a plus in front of the phone changes its hash"),
            Answer("what was hashed is hashed again"),
            Answer("the hash of nothing is kept and sent with every event"),
            Answer("a field is not mapped, or not hashed"),
            Answer("a formula's own text is sent as the identifier"),
            Answer("an address in another script throws, and the event is lost"),
            Answer("documents contradict each other on blanks inside a name"),
            Answer("nobody says whether values must come hashed"),
            Answer(
                "the customer's id is on one side only",
                where="the page tells it with `identify`: [the pixel](../guides/pixel.md)",
            ),
        ),
    ),
    (
        "Addresses",
        51,
        (
            Answer("the browser's address is of one kind, the server's of the other"),
            Answer("IPv6 is not taken"),
        ),
    ),
    (
        "Validation, batches, time",
        53,
        (
            Answer(
                "one old event fails the whole batch",
                BY_DESIGN,
                f"it expires before it is sent, and is cut out if it is not: {OUTBOX}",
            ),
            Answer("no word on which event failed", where=f"at the platform: {META}, {OUTBOX}"),
            Answer("one event without its options aborts the upload"),
            Answer("which of fifty was bad cannot be told", where=f"at the platform: {OUTBOX}"),
            Answer("times in the future, from clocks that are wrong"),
            Answer("sales in a store are held to seven days instead of 62"),
            Answer("an ISO time is refused"),
            Answer("country 0 and state 0 are lost because they are nought"),
            Answer("a flag has an unexpected name, or is a boolean where a number is due"),
            Answer("the currency is missing"),
            Answer(
                "a 200 that says no, without a reason",
                BY_DESIGN,
                f"every answer means one outcome for each event: {META}",
            ),
            Answer("empty user data passes the check and fails at the platform"),
        ),
    ),
    (
        "Delivery and operations",
        65,
        (
            Answer(
                "the call blocks the shop's page for seconds",
                BY_DESIGN,
                "the shop waits for one write to disk, never for a platform: "
                "[architecture](../architecture.md)",
            ),
            Answer(
                "a token that stopped working is found by accident",
                BY_DESIGN,
                "the destination pauses, keeps everything, is named on the overview and told of "
                f"where you say: {OUTBOX}, `tests/report/test_alerts.py`",
            ),
            Answer(
                "42 sent, 7 shown, and nobody says which are missing",
                BY_DESIGN,
                "`tillpost ledger`, `report reconcile` and the receiver's own list name each",
            ),
            Answer(
                "what was missed in a fault is gone for good",
                BY_DESIGN,
                "facts are on disk before the answer; [dead letters](../guides/dead-letters.md), "
                "[past orders](../guides/backfill.md)",
            ),
            Answer(
                "one slow destination slows down all",
                BY_DESIGN,
                f"each has a line and rounds of its own: {STORES}, `tests/serve/test_worker.py`",
            ),
            Answer(
                "what failed is not tried again",
                BY_DESIGN,
                f"until the platform would refuse its age: {OUTBOX}",
            ),
            Answer(
                "the retry of a batch crashes",
                BY_DESIGN,
                f"a batch is leased, halved and settled by a property test: {OUTBOX}",
            ),
            Answer("the person's data is not there yet when the event is processed"),
            Answer(
                "test events do not appear",
                BY_DESIGN,
                f"`test_event_code`, and a receiver that shows them: {RECEIVER}",
            ),
            Answer(
                "nothing can be tried without an account and a credit card",
                BY_DESIGN,
                f"the receiver is in the box: {RECEIVER}",
            ),
        ),
    ),
    (
        "Bots and consent",
        75,
        (
            Answer("crawlers treble the events of the server"),
            Answer("consent holds for the pixel and not for the server"),
            Answer("events leave unless somebody adds a check for consent"),
            Answer("a page that never reloads keeps an old answer"),
        ),
    ),
    (
        "Reports",
        79,
        (
            Answer(
                "platforms claim more than the shop took",
                BY_DESIGN,
                "own attribution beside the claim, order by order: "
                "[attribution](../concepts/attribution.md)",
            ),
            Answer(
                "platform and shop count other windows on other days",
                BY_DESIGN,
                "`report reconcile` says why each order differs: `tests/report/test_reconcile.py`",
            ),
            Answer(
                "a quota runs out and everything pauses",
                ELSEWHERE,
                "self-hosted: nobody counts your events but you",
            ),
        ),
    ),
)


def rows() -> str:
    """The table of all complaints."""
    cases = by_complaint()
    made = []
    for area, first, answers in AREAS:
        for number, answer in enumerate(answers, first):
            shown = ", ".join(code(name) for name in cases.get(number, ()))
            how = answer.how or "golden case"
            where = "; ".join(filter(None, (answer.where, shown)))
            made.append((number, area, answer.complaint, how, where))
    if any(not row[-1] for row in made):
        raise ValueError(f"nothing stands against {[row[0] for row in made if not row[-1]]}")
    return table(("", "about", "what users complain of", "here", "where"), made)


def tally() -> str:
    """How many complaints end how."""
    hows = [answer.how or "golden case" for _, _, answers in AREAS for answer in answers]
    counts = {how: hows.count(how) for how in ("golden case", BY_DESIGN, ELSEWHERE)}
    return ", ".join(f"{count} {how}" for how, count in counts.items())
