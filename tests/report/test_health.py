"""Each fault of a set-up, shown by a handful of settled sales."""

from typing import Any

import pytest

from tillpost.core.books import Pause
from tillpost.report.health import DETECTORS, findings


def sale(number: int, source: str = "server", **changes: Any) -> dict[str, Any]:
    made = {
        "id": number,
        "event_name": "Purchase",
        "event_id": f"purchase.{number}",
        "source": source,
        "duplicate_of": None,
        "value": "10.00",
        "currency": "USD",
    }
    return {**made, **changes}


def pairs(count: int, **browser: Any) -> list[dict[str, Any]]:
    """Sales of which both sides came and were joined."""
    made = []
    for n in range(count):
        made.append(sale(n))
        twin = {"event_id": f"purchase.{n}", "duplicate_of": n, **browser}
        made.append(sale(1000 + n, "browser", **twin))
    return made


def codes(*sales: dict[str, Any], pauses: tuple[Pause, ...] = ()) -> list[str]:
    return [f.code for f in findings(sales, pauses)]


def test_a_good_set_up_has_no_finding() -> None:
    assert codes(*pairs(20)) == []


def test_nothing_at_all_has_no_finding() -> None:
    assert codes() == []


def test_native_ids_beside_ours() -> None:
    doubles = [sale(500 + n, event_id=f"sh-{n:08x}") for n in range(5)]
    (found,) = findings([*pairs(20), *doubles], ())
    assert (found.code, found.count, found.of) == ("native_doubles", 5, 25)
    assert "data sharing" in found.fix


def test_native_ids_that_ours_took_over_double_nothing() -> None:
    ours = [sale(n, event_id=f"sh-{n:08x}", order_id=str(n)) for n in range(20)]
    lone = [sale(50 + n, order_id=str(50 + n)) for n in range(5)]
    assert codes(*ours, *lone) == []
    beside = [sale(100 + n, order_id=str(n)) for n in range(20)]
    assert codes(*ours, *beside) == ["native_doubles"]


def test_browser_purchases_without_an_id() -> None:
    bare = [sale(500 + n, "browser", event_id=None) for n in range(5)]
    assert codes(*pairs(20), *bare) == ["browser_without_id"]


def test_browser_ids_that_no_server_has() -> None:
    others = [sale(500 + n, "browser", event_id=f"#{n}") for n in range(5)]
    servers = [sale(n) for n in range(5)]
    assert codes(*others, *servers) == ["ids_differ"]


def test_two_values_of_one_sale() -> None:
    assert codes(*pairs(20, value="9.00")) == ["values_differ"]
    assert codes(*pairs(20, value=None)) == []


def test_a_time_without_a_token() -> None:
    assert codes(pauses=(Pause("meta:1", 1.0, 2.0, "token"),)) == ["token_out"]
    assert codes(pauses=(Pause("meta:1", 1.0, None, "access"),)) == []


def test_an_accident_is_no_fault() -> None:
    assert codes(*pairs(20), sale(500, event_id="sh-1"), sale(501, event_id="sh-2")) == []


def test_other_events_are_passed_over() -> None:
    views = [sale(n, "browser", event_name="PageView", event_id=None) for n in range(9)]
    assert codes(*views) == []


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: d.code)
def test_every_detector_tells_a_fix(detector: Any) -> None:
    assert detector.title
    assert detector.fix
