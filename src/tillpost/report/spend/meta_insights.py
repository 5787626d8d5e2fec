"""What Meta says its ads cost and earned: `GET /act_{id}/insights`, by ad and day.

Sans-I/O: `pull` is a generator that yields requests and waits, is sent the responses, and
returns rows of the `spend` table. Meta restates the last days, so the same days are read
again and replace what was told before. One purchase stands under several action types with
the same number: one is taken by exact name, never a sum. The token goes in a header, and
the address of the next page, which would repeat it, is never followed (references
`attribution` 2.11 and `meta-capi` 5.3, 8, 10).
"""

from collections.abc import Generator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from tillpost.core import money
from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.core.wire import Request, Response

GRAPH_URL = "https://graph.facebook.com"
FIELDS = (
    *("account_currency", "campaign_id", "campaign_name", "adset_id", "adset_name"),
    *("ad_id", "ad_name", "spend", "impressions", "clicks", "actions", "action_values"),
)
PURCHASES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase")
"""Action types of a purchase, the widest first; the first that a row has counts alone."""

CHUNK_DAYS = 7
PAGE_ROWS = 200
"""A page of so many ads with their actions stays well under the megabyte that is read."""

MOST_PAGES = 500
JOB_SECONDS = 5.0
MOST_POLLS = 120
"""A job that has not ended after ten minutes is asked for again in the next round."""

CALM_PERCENT = 75.0
"""Above this share of the rate limit the next page waits."""
CALM_SECONDS = 60.0
LIMITED_SECONDS = 900.0

TOO_MUCH = "reduce the amount of data"
"""What Meta says, under code 1, of a question whose answer takes too long."""

LIMITED = frozenset({4, 17, 32, 613, *range(80000, 80015)})
TOKEN = frozenset({102, 104, 190})
ACCESS = frozenset({3, 10, 270, *range(200, 300)})


class Account(Struct, frozen=True):
    """An ad account and how it is read; `access_token` is never shown.

    `currency` stands in where the answer names none.
    """

    account_id: str
    access_token: str
    url: str = GRAPH_URL
    version: str = "v26.0"
    currency: str | None = None

    def __repr__(self) -> str:
        """Never shows the token."""
        return f"Account(account_id={self.account_id!r}, url={self.url!r})"


class Wait(NamedTuple):
    """Nothing is to be sent for so many seconds."""

    seconds: float


class Limited(Retryable):
    """The platform's rate limit is reached; `seconds` says for how long."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class _TooMuch(Exception):
    """The question must be smaller."""


class _Error(Struct):
    code: int | None = None
    error_subcode: int | None = None
    message: str | None = None
    error_user_msg: str | None = None


class _Paging(Struct):
    cursors: dict[str, str] = {}
    next: str | None = None


class _Answer(Struct):
    data: list[dict[str, Any]] = []
    paging: _Paging = msgspec.field(default_factory=_Paging)
    report_run_id: str | int | None = None
    async_status: str | None = None
    error: _Error | None = None


class _Usage(Struct):
    estimated_time_to_regain_access: float = 0.0


Rows: TypeAlias = list[dict[str, Any]]
Steps: TypeAlias = Generator[Request | Wait, Response | None, Rows]


def pull(account: Account, since: date, until: date) -> Steps:
    """Rows of the `spend` table but for the shop, of these days, both included.

    Raises `Limited` when the platform asks for patience, `Misconfigured` when the owner must
    change something, `Retryable` for everything that may be better next time.
    """
    rows: Rows = []
    first = since
    while first <= until:
        last = min(first + timedelta(CHUNK_DAYS - 1), until)
        rows += yield from _days(account, first, last)
        first = last + timedelta(1)
    return rows


def _days(account: Account, first: date, last: date) -> Steps:
    """The rows of some days; halved as long as the platform cannot answer, at last as a job."""
    try:
        return (yield from _pages(account, f"act_{_bare(account)}/insights", _query(first, last)))
    except _TooMuch:
        pass
    if first == last:
        return (yield from _job(account, first))
    middle = first + (last - first) // 2
    rows = yield from _days(account, first, middle)
    return rows + (yield from _days(account, middle + timedelta(1), last))


def _pages(account: Account, path: str, query: Mapping[str, str]) -> Steps:
    rows: Rows = []
    after: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        response = yield _request(account, "GET", path, {**query, **after})
        answer, calm = _read(response)
        rows += [_row(row, account) for row in answer.data]
        following = answer.paging.cursors.get("after")
        if answer.paging.next is None or following is None:
            return rows
        after = {"after": following}
        if calm:
            yield Wait(calm)
    raise Retryable(f"Meta's answer has more than {MOST_PAGES} pages")


def _job(account: Account, day: date) -> Steps:
    """The rows of one day by an asynchronous report run."""
    path = f"act_{_bare(account)}/insights"
    answer, _ = _read((yield _request(account, "POST", path, _query(day, day))))
    run = str(answer.report_run_id or "")
    if not run.isdigit():
        raise Retryable("Meta began no report run")
    for _ in range(MOST_POLLS):
        yield Wait(JOB_SECONDS)
        answer, _ = _read((yield _request(account, "GET", run, {})))
        if answer.async_status == "Job Completed":
            return (yield from _pages(account, f"{run}/insights", {"limit": str(PAGE_ROWS)}))
        if answer.async_status in {"Job Failed", "Job Skipped"}:
            raise Retryable(f"Meta's report run of {day} ended as {answer.async_status!r}")
    raise Retryable(f"Meta's report run of {day} has not ended in time")


def _bare(account: Account) -> str:
    return account.account_id.removeprefix("act_")


def _query(first: date, last: date) -> dict[str, str]:
    days = {"since": first.isoformat(), "until": last.isoformat()}
    return {
        "level": "ad",
        "time_increment": "1",
        "time_range": msgspec.json.encode(days).decode(),
        "fields": ",".join(FIELDS),
        "action_report_time": "conversion",
        "use_unified_attribution_setting": "true",
        "limit": str(PAGE_ROWS),
    }


def _request(account: Account, method: str, path: str, query: Mapping[str, str]) -> Request:
    url = f"{account.url}/{account.version}/{path}"
    headers = {"authorization": f"Bearer {account.access_token}"}
    if method == "POST":
        headers["content-type"] = "application/x-www-form-urlencoded"
        return Request(method, url, headers, urlencode(query).encode())
    return Request(method, f"{url}?{urlencode(query)}" if query else url, headers)


def _read(response: Response | None) -> tuple[_Answer, float]:
    """The answer, and for how many seconds the next question should wait."""
    if response is None:
        raise Retryable("no answer was read")
    try:
        answer = msgspec.json.decode(response.body, type=_Answer, strict=False)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        answer = _Answer(error=_Error())
    if answer.error is not None or not 200 <= response.status < 300:
        raise _trouble(response, answer.error or _Error())
    return answer, _calm(response.headers)


def _trouble(response: Response, error: _Error) -> Exception:
    code = error.code or 0
    words = (error.error_user_msg or error.message or "no words")[:300]
    told = f"Meta answered {response.status}, code {code}: {words}"
    if code == 1 and TOO_MUCH in words:
        return _TooMuch()
    if response.status == 429 or code in LIMITED:
        return Limited(told, _regained(response.headers) or LIMITED_SECONDS)
    if code in TOKEN:
        return Misconfigured(f"{told}; put a new access_token into ad_accounts")
    if code in ACCESS or (code, error.error_subcode) == (100, 33):
        fix = "give the token ads_read on this account, or correct ad_accounts.account_id"
        return Misconfigured(f"{told}; {fix}")
    return Retryable(told)


def _calm(headers: Mapping[str, str]) -> float:
    """Seconds to wait when the account or the app is near its limit, by the throttle header."""
    try:
        used = msgspec.json.decode(
            headers.get("x-fb-ads-insights-throttle") or "{}", type=dict[str, float | str]
        )
    except (msgspec.DecodeError, UnicodeError):
        return 0.0
    shares = [value for value in used.values() if not isinstance(value, str)]
    return CALM_SECONDS if max(shares, default=0.0) >= CALM_PERCENT else 0.0


def _regained(headers: Mapping[str, str]) -> float:
    try:
        usage = msgspec.json.decode(
            headers.get("x-business-use-case-usage") or "{}", type=dict[str, list[_Usage]]
        )
    except (msgspec.DecodeError, UnicodeError):
        return 0.0
    minutes = (entry.estimated_time_to_regain_access for row in usage.values() for entry in row)
    return max(minutes, default=0.0) * 60.0


def _row(told: Mapping[str, Any], account: Account) -> dict[str, Any]:
    """One ad's day. Raises `Retryable` for a row that is none: nothing of the pull is kept."""
    values = _purchase(told.get("action_values"))
    currency = _currency(told, values, account)
    counts = _purchase(told.get("actions"))
    texts = {
        "campaign_id": "campaign_id", "campaign": "campaign_name", "adset_id": "adset_id",
        "adset": "adset_name", "ad_id": "ad_id", "ad": "ad_name",
    }  # fmt: skip
    try:
        return {
            "platform": "meta",
            "account_id": _bare(account),
            "day": date.fromisoformat(str(told["date_start"])).isoformat(),
            **{name: str(told.get(key) or "") for name, key in texts.items()},
            "currency": currency,
            "spend_minor": money.to_minor(str(told.get("spend") or "0"), currency),
            "impressions": int(told.get("impressions") or 0),
            "clicks": int(told.get("clicks") or 0),
            "claims_micro": int(sum(map(_number, counts), Decimal(0)) * 1_000_000),
            "claims_minor": _claimed(values, currency),
        }
    except (KeyError, ValueError, ArithmeticError) as error:
        raise Retryable(f"a row of Meta's cannot be read: {type(error).__name__}") from None


def _purchase(actions: Any) -> Sequence[Mapping[str, Any]]:
    """The entries of the one action type that stands for purchases."""
    given = [a for a in actions if isinstance(a, dict)] if isinstance(actions, list) else []
    for name in PURCHASES:
        if found := [action for action in given if action.get("action_type") == name]:
            return found
    return []


def _currency(told: Mapping[str, Any], values: Sequence[Mapping[str, Any]], own: Account) -> str:
    named = [str(value["currency"]) for value in values if value.get("currency")]
    code = str(told.get("account_currency") or own.currency or next(iter(named), ""))
    if not money.is_currency(code):
        raise Misconfigured(
            f"ad account {_bare(own)}: nothing says its currency; set ad_accounts.currency"
        )
    return code


def _claimed(values: Sequence[Mapping[str, Any]], currency: str) -> int | None:
    """What the platform claims; None, which is not told, if some of it is in another currency."""
    if any(value.get("currency", currency) != currency for value in values):
        return None
    return money.to_minor(sum(map(_number, values), Decimal(0)), currency)


def _number(action: Mapping[str, Any]) -> Decimal:
    try:
        number = Decimal(str(action.get("value") or "0"))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > money.MAX_MINOR // 1_000_000:
        raise ValueError("not a number of conversions")
    return number
