"""Reading Meta Insights without a network: pages, limits, questions that are too large."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.core.wire import Request, Response
from tillpost.report.spend.meta_insights import Account, Limited, Wait, pull

ACCOUNT = Account("act_77", "secret-token", url="https://graph.test")
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 7)

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


def entry(kind: str, value: str) -> dict[str, str]:
    return {"action_type": kind, "value": value}


def ad(day: str = "2026-11-01", **changes: Any) -> dict[str, Any]:
    """One ad's day, as Meta writes it: numbers are strings, a purchase has several names."""
    kinds = ("offsite_conversion.fb_pixel_purchase", "purchase", "omni_purchase")
    plain = {
        "account_currency": "EUR",
        "campaign_id": "120",
        "campaign_name": "Spring",
        "adset_id": "121",
        "adset_name": "Women",
        "ad_id": "122",
        "ad_name": "Tea",
        "spend": "12.34",
        "impressions": "1000",
        "clicks": "20",
        "actions": [entry("link_click", "20"), *(entry(kind, "3") for kind in kinds)],
        "action_values": [entry(kind, "150.5") for kind in kinds],
        "date_start": day,
        "date_stop": day,
    }
    return {k: v for k, v in (plain | changes).items() if v is not None}


def page(*rows: dict[str, Any], after: str | None = None) -> dict[str, Any]:
    paging = {"cursors": {"before": "a", "after": after or "z"}}
    following = {"next": f"https://elsewhere.test/?access_token=x&after={after}"} if after else {}
    return {"data": list(rows), "paging": paging | following}


def error(code: int, message: str = "no", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


class Played:
    """Answers the pull's requests one after another and keeps what was asked."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.asked: list[Request | Wait] = []
        self._answer = answer

    def rows(self, account: Account = ACCOUNT, last: date = LAST) -> list[dict[str, Any]]:
        steps = pull(account, FIRST, last)
        reply: Response | None = None
        while True:
            try:
                step = steps.send(reply)
            except StopIteration as end:
                found: list[dict[str, Any]] = end.value
                return found
            self.asked.append(step)
            reply = None
            if isinstance(step, Request):
                status, body, *headers = self._answer(step)
                reply = Response(status, headers[0] if headers else {}, json.dumps(body).encode())


def in_order(*answers: Answer) -> Played:
    queue = list(answers)
    return Played(lambda _: queue.pop(0))


def days(request: Request | Wait) -> tuple[str, str]:
    assert isinstance(request, Request)
    told = json.loads(parse_qs(urlsplit(request.url).query)["time_range"][0])
    return told["since"], told["until"]


def test_a_row_of_spend_and_of_the_platforms_claim() -> None:
    (row,) = in_order((200, page(ad()))).rows()
    assert row == {
        "platform": "meta", "account_id": "77", "day": "2026-11-01", "campaign_id": "120",
        "campaign": "Spring", "adset_id": "121", "adset": "Women", "ad_id": "122", "ad": "Tea",
        "currency": "EUR", "spend_minor": 1_234, "impressions": 1_000, "clicks": 20,
        "claims_micro": 3_000_000, "claims_minor": 15_050,
    }  # fmt: skip


def test_custom_conversions_that_are_named_like_purchases_are_none() -> None:
    actions = [entry("offsite_conversion.custom.purchase_plus", "9"), entry("purchase_like", "9")]
    (row,) = in_order((200, page(ad(actions=actions, action_values=None)))).rows()
    assert (row["claims_micro"], row["claims_minor"]) == (0, 0)


def test_the_token_stands_in_a_header_and_never_in_an_address() -> None:
    played = in_order((200, page(ad(), after="p2")), (200, page(ad("2026-11-02"))))
    assert len(played.rows()) == 2
    for request in played.asked:
        assert isinstance(request, Request)
        assert "secret-token" not in request.url
        assert request.headers["authorization"] == "Bearer secret-token"
        assert request.url.startswith("https://graph.test/v26.0/act_77/insights?")
    assert "after=p2" in played.asked[1].url  # type: ignore[union-attr]
    assert "secret-token" not in repr(ACCOUNT)


def test_the_days_are_asked_for_by_the_week() -> None:
    played = in_order(*[(200, page())] * 4)
    played.rows(last=date(2026, 11, 28))
    assert [days(request) for request in played.asked] == [
        ("2026-11-01", "2026-11-07"),
        ("2026-11-08", "2026-11-14"),
        ("2026-11-15", "2026-11-21"),
        ("2026-11-22", "2026-11-28"),
    ]


def test_near_the_limit_the_next_page_waits() -> None:
    near = {"x-fb-ads-insights-throttle": '{"app_id_util_pct":10.5,"acc_id_util_pct":80.0}'}
    played = in_order((200, page(ad(), after="p2"), near), (200, page(ad("2026-11-02"))))
    played.rows()
    assert played.asked[1] == Wait(60.0)


TOO_MUCH = (500, error(1, "Please reduce the amount of data you're asking for, then retry"))


def test_a_question_that_is_too_large_is_halved() -> None:
    played = in_order(TOO_MUCH, (200, page(ad())), (200, page(ad("2026-11-06"))))
    assert [row["day"] for row in played.rows()] == ["2026-11-01", "2026-11-06"]
    assert [days(request) for request in played.asked] == [
        ("2026-11-01", "2026-11-07"),
        ("2026-11-01", "2026-11-04"),
        ("2026-11-05", "2026-11-07"),
    ]


def test_a_day_that_is_too_large_becomes_a_report_run() -> None:
    played = in_order(
        TOO_MUCH,
        (200, {"report_run_id": "998877"}),
        (200, {"async_status": "Job Running", "async_percent_completion": 40}),
        (200, {"async_status": "Job Completed", "async_percent_completion": 100}),
        (200, page(ad())),
    )
    assert len(played.rows(last=FIRST)) == 1
    requests = [step for step in played.asked if isinstance(step, Request)]
    assert [(r.method, urlsplit(r.url).path) for r in requests] == [
        ("GET", "/v26.0/act_77/insights"),
        ("POST", "/v26.0/act_77/insights"),
        ("GET", "/v26.0/998877"),
        ("GET", "/v26.0/998877"),
        ("GET", "/v26.0/998877/insights"),
    ]
    assert b"secret-token" not in requests[1].body


@pytest.mark.parametrize("status", ["Job Failed", "Job Skipped"])
def test_a_report_run_that_fails_is_tried_again(status: str) -> None:
    played = in_order(TOO_MUCH, (200, {"report_run_id": 998877}), (200, {"async_status": status}))
    with pytest.raises(Retryable, match=status):
        played.rows(last=FIRST)


def test_a_report_run_that_never_ends_is_left() -> None:
    def answer(request: Request) -> Answer:
        if "act_77" not in request.url:
            return 200, {"async_status": "Job Running"}
        return (200, {"report_run_id": "1"}) if request.method == "POST" else TOO_MUCH

    with pytest.raises(Retryable, match="has not ended in time"):
        Played(answer).rows(last=FIRST)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((400, error(190, "expired")), Misconfigured, "put a new access_token into ad_accounts"),
        ((403, error(200, "no right")), Misconfigured, "give the token ads_read"),
        ((400, error(100, "none", error_subcode=33)), Misconfigured, "correct ad_accounts"),
        ((400, error(100, "odd field")), Retryable, "code 100: odd field"),
        ((500, error(2, "busy")), Retryable, "code 2: busy"),
        ((502, "<html>"), Retryable, "502"),
        ((200, {"data": [{"date_start": "2026-11-01", "spend": "x"}]}), Misconfigured, "currency"),
        ((200, page(ad(spend="many"))), Retryable, "cannot be read"),
        ((200, page(ad(date_start="1.11."))), Retryable, "cannot be read"),
        ((200, page(ad(actions=[entry("purchase", "NaN")]))), Retryable, "cannot be read"),
        ((200, {"report_run_id": {}}), Retryable, "200"),
    ],
)
def test_what_goes_wrong_says_who_can_mend_it(answer: Answer, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words):
        in_order(answer).rows()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 900.0),
        (
            {"x-business-use-case-usage": '{"77":[{"estimated_time_to_regain_access":30}]}'},
            1800.0,
        ),
        ({"x-business-use-case-usage": "what"}, 900.0),
    ],
)
def test_a_reached_limit_says_for_how_long(headers: dict[str, str], seconds: float) -> None:
    with pytest.raises(Limited) as caught:
        in_order((400, error(80000, "too many calls"), headers)).rows()
    assert caught.value.seconds == seconds


def test_values_of_two_currencies_claim_nothing() -> None:
    values = [
        {"action_type": "purchase", "value": "10", "currency": "USD"},
        {"action_type": "purchase", "value": "9", "currency": "EUR"},
    ]
    actions = [entry("purchase", "2")]
    row = ad(account_currency=None, actions=actions, action_values=values, spend=None)
    (told,) = in_order((200, page(row))).rows(Account("77", "t", currency="USD"))
    assert (told["currency"], told["claims_micro"], told["claims_minor"]) == (
        "USD",
        2_000_000,
        None,
    )


def test_pages_without_end_are_left() -> None:
    def more(_: Request) -> Answer:
        return 200, page(after="again")

    with pytest.raises(Retryable, match="more than 500 pages"):
        Played(more).rows()
