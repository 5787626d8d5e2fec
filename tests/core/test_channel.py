import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import channel, sources
from tillpost.core.channel import CHANNELS, Condition, OwnRule, classify

OWN = frozenset({"shop.example", "www.Shop.example:443"})
VISITS = tomllib.loads(
    (Path(__file__).parent.parent / "cases/channel/visits.toml").read_text("utf-8")
)["visit"]


@pytest.mark.parametrize("case", VISITS, ids=lambda case: json.dumps(case["name"]))
def test_visits(case: dict[str, Any]) -> None:
    found = classify(case.get("url", "https://shop.example/"), case.get("referrer"), OWN)
    if case.get("none"):
        assert found is None
        return
    assert found is not None
    assert (found.channel, found.source, found.medium, found.campaign) == (
        case["channel"],
        case["source"],
        case["medium"],
        case.get("campaign"),
    )
    assert (found.direct, found.paid) == (case.get("direct", False), case.get("paid", False))
    assert [found.click_kind, found.click_id] == case.get("click", [None, None])
    assert list(found.flags) == case.get("flags", [])
    assert found.landing_path == case.get("path", found.landing_path)
    assert found.referrer_host == case.get("host", found.referrer_host)


def test_every_channel_of_the_table_can_be_reached() -> None:
    assert {case["channel"] for case in VISITS if "channel" in case} == set(CHANNELS)


@pytest.mark.parametrize(
    ("op", "value", "holds"),
    [
        ("exact", "Partner", True),
        ("is_not", "partner", False),
        ("is_set", "", True),
        ("is_not_set", "", False),
        ("contains", "art", True),
        ("not_contains", "art", False),
        ("regex", "^PART", True),
        ("not_regex", "^part", False),
    ],
)
def test_a_merchants_own_rule_comes_first(op: Any, value: str, holds: bool) -> None:
    rules = (OwnRule("Friends", (Condition("source", op, value),)),)
    found = classify("/?utm_source=partner&utm_medium=cpc", None, OWN, rules)
    assert found is not None
    assert found.channel == ("Friends" if holds else "Paid Other")


def test_all_or_any_condition() -> None:
    conditions = (Condition("path", "contains", "/vip"), Condition("referrer", "is_set"))
    url = "https://shop.example/VIP/x"
    strict = classify(url, None, OWN, (OwnRule("VIP", conditions),))
    loose = classify(url, None, OWN, (OwnRule("VIP", conditions, match="any"),))
    assert strict is not None
    assert loose is not None
    assert (strict.channel, loose.channel) == ("Direct", "VIP")


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://www.Shop.example:8443/a/b?c=d#e", "shop.example", "/a/b"),
        ("https://user:pw@shop.example", "shop.example", "/"),
        ("android-app://com.google.android.gm/", "com.google.android.gm", "/"),
        ("https://shop.example./x", "shop.example", "/x"),
        ("/path?next=https://other.example/", "", "/path"),
        ("about:blank", "", "/"),
        ("javascript://x/y", "", "/y"),
        ("", "", "/"),
        (None, "", "/"),
    ],
)
def test_addresses_are_taken_apart(url: str | None, host: str, path: str) -> None:
    assert (sources.host_of(url), sources.path_of(url)) == (host, path)


@given(st.text(), st.text(), st.frozensets(st.text(max_size=5), max_size=3))
def test_any_landing_is_classified(url: str, referrer: str, own: frozenset[str]) -> None:
    found = classify(url, referrer, own)
    assert found is None or found.channel in CHANNELS


@given(
    st.sampled_from(["google", "facebook", "an", "newsletter", "x", "", "amazon", "Bing"]),
    st.sampled_from(["cpc", "CPM", "email", "", "organic", "display", "paid", "affiliate"]),
    st.sampled_from(["", "gclid", "fbclid", "epik", "awc", "srsltid", "gad_source"]),
    st.sampled_from(["", "https://www.google.de/", "https://m.facebook.com/", "https://a.example"]),
)
def test_paid_channels_are_paid_and_direct_is_from_nowhere(
    source: str, medium: str, click: str, referrer: str
) -> None:
    url = f"/?utm_source={source}&utm_medium={medium}" + (f"&{click}=x" if click else "")
    found = classify(url, referrer, OWN)
    assert found is not None
    assert found.direct == (found.channel == "Direct")
    assert not found.channel.startswith("Paid ") or found.paid
    if not (source or medium or click or referrer):
        assert found.direct


def test_the_lists_do_not_contradict_our_own_tables() -> None:
    for kind, name, hosts in sources.PLACES:
        for host in hosts.split():
            place = sources.referrer(host.replace("{}", "de"))
            assert (place.kind, place.name) == (kind, name), host
    for name, others in sources.ALIASES:
        assert all(sources.named(other).name == name for other in others.split())


def test_the_table_of_rules_ends_with_a_channel_for_all() -> None:
    assert channel.RULES[-1][0] == "Unassigned"
    assert len(set(CHANNELS)) == len(CHANNELS) == 20


def test_other_networks_are_not_metas() -> None:
    found = sources.networks(but=sources.META)
    assert {"tiktok", "tt", "tiktok.com", "reddit_ads", "pin"} <= found
    assert not {"facebook", "fb", "ig", "facebook.com", "google", "newsletter"} & found
    named = {sources.named(name) for name in found if "/" not in name}
    assert {place.kind for place in named} == {"social"}
    assert not sources.META & {place.name for place in named}
    assert {"facebook", "fb"} <= sources.networks()
