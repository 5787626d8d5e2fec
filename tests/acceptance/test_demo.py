"""The demo against its own truth, and what must stand still when one knob is turned."""

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.live import free_port

SHOP = ("--orders=160", "--days=7", "--seed=7")


@cache
def played(*knobs: str) -> dict[str, Any]:
    """The summary of one whole demo."""
    done = subprocess.run(
        [sys.executable, "-m", "tillpost", "demo", "--exit", "--json", *(knobs or SHOP)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def turned(*knobs: str) -> dict[str, Any]:
    return played(*SHOP, *knobs)


def revenue(summary: dict[str, Any]) -> Decimal:
    return sum((Decimal(v) for v in summary["revenue_by_channel"].values()), Decimal(0))


def roas(summary: dict[str, Any], whose: str) -> dict[str, float]:
    return {row["campaign"]: row[whose] or 0.0 for row in summary["roas_by_campaign"]}


def agrees_with_the_truth(summary: dict[str, Any]) -> None:
    s = summary
    seen = s["browser_only"] + s["server_only"] + s["both"] + s["neither"]
    assert seen == s["orders"]
    assert s["counted"] == s["both"] + s["server_only"]
    assert s["doubled"] == 0
    for figure in ("checkouts", "registrations", "edited", "refunded"):
        assert s[figure] == s["expected"][figure], figure
    assert s["matched"] == s["matchable"] > 0
    assert s["matched_wrong"] == 0
    assert s["attributed_right"] == s["attributable"] > 0
    assert s["ledger"]["balanced"] is True


def test_a_thousand_orders_are_all_accounted_for() -> None:
    summary = played("--orders=1000", "--days=14", "--seed=7")
    agrees_with_the_truth(summary)
    assert summary["orders"] > 750
    assert 0.5 < summary["match_rate"] < 0.95
    assert summary["server_only"] > 50
    assert {"consent_denied", "consent_unknown", "no_match_keys", "bot"} <= set(
        summary["ledger"]["destinations"][0]["dropped"]
    )


def test_the_same_seed_gives_the_same_figures() -> None:
    kept = {"truth", "sent"}
    first = {k: v for k, v in played().items() if k not in kept}
    played.cache_clear()
    again = {k: v for k, v in played().items() if k not in kept}
    assert first == again


def test_block_every_pixel_and_orders_and_revenue_stand_still() -> None:
    plain, blocked = turned(), turned("--ad-blockers=1")
    agrees_with_the_truth(plain)
    agrees_with_the_truth(blocked)
    assert plain["both"] + plain["browser_only"] > 0
    assert blocked["both"] + blocked["browser_only"] == 0
    for figure in ("orders", "counted", "ineligible"):
        assert blocked[figure] == plain[figure], figure
    assert revenue(blocked) == revenue(plain)
    assert blocked["attributable"] < plain["attributable"]


def test_more_guests_match_less_and_orders_stand_still() -> None:
    few, many = turned("--guest=0.0"), turned("--guest=1.0")
    agrees_with_the_truth(many)
    assert many["match_rate"] < few["match_rate"]
    assert many["orders"] == few["orders"]
    assert revenue(many) == revenue(few)


def test_without_views_the_platform_claims_less_and_the_truth_stands_still() -> None:
    plain, clicks = turned(), turned("--views=0", "--anyway=0")
    assert roas(clicks, "true_roas") == roas(plain, "true_roas")
    assert sum(roas(clicks, "platform_roas").values()) < sum(roas(plain, "platform_roas").values())


def test_sixty_hours_without_a_token_lose_and_double_nothing() -> None:
    plain, outage = turned(), turned("--token-out-hours=60")
    agrees_with_the_truth(outage)
    assert outage["counted"] == plain["counted"]
    assert revenue(outage) == revenue(plain)
    dropped = outage["ledger"]["destinations"][0]["dropped"]
    assert dropped["late_twin"] > plain["ledger"]["destinations"][0]["dropped"].get("late_twin", 0)


def test_disorder_and_repeats_of_webhooks_change_no_report() -> None:
    plain, shuffled = turned(), turned("--disordered=1.0", "--duplicate=0.5")
    agrees_with_the_truth(shuffled)
    for figure in ("orders", "counted", "ineligible", "revenue_by_channel", "roas_by_campaign"):
        assert shuffled[figure] == plain[figure], figure


@pytest.mark.parametrize(
    ("flag", "code"),
    [
        ("--native-full", "native_doubles"),
        ("--theme-fbq", "browser_without_id"),
        ("--order-name-ids", "ids_differ"),
        ("--token-out-hours=60", "token_out"),
        ("--value-base=subtotal", "values_differ"),
    ],
)
def test_each_fault_of_a_set_up_raises_its_own_finding(flag: str, code: str) -> None:
    assert [f["code"] for f in turned()["findings"]] == []
    assert [f["code"] for f in turned(flag)["findings"]] == [code]


@pytest.mark.parametrize(
    ("until", "code", "said"),
    [("playing", 130, "tillpost: interrupted"), ("Ctrl-C ends it all", 0, "Ctrl-C ends it all.")],
)
def test_the_terminals_ctrl_c_ends_all_of_it_without_a_fuss(
    tmp_path: Path, until: str, code: int, said: str
) -> None:
    flags = ["--exit"] if code else [f"--port={free_port()}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tillpost", "demo", "--orders=40", "--days=2", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    told = ""
    while until not in told:
        line = process.stdout.readline()
        assert line, told
        told += line
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == code, told + rest
    assert "Traceback" not in rest, rest
    assert (told + rest).splitlines()[-1] == said
    assert list(tmp_path.glob("tillpost-demo-*")) == []
