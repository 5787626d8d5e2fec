"""The truth table written out a second time, and consent strings built bit by bit."""

import tomllib
from base64 import urlsafe_b64encode
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import consent, consent_strings
from tillpost.core.consent import (
    POLICIES,
    Decision,
    decide,
    from_gpc,
    from_gpp,
    from_shopify,
    from_tcf,
    strictest,
    zone_of,
)
from tillpost.core.event import Consent, Place
from tillpost.core.limits import LDU_STATES
from tillpost.core.outcome import Reason

_CASES = Path(__file__).parent.parent / "cases" / "consent" / "gpp_us.toml"
GPP_US: list[dict[str, Any]] = tomllib.loads(_CASES.read_text())["section"]

GERMANY = Place("DE", "BY")
CALIFORNIA = Place("US", "CA")
SOMEWHERE_US = Place("US")
VIRGINIA = Place("US", "VA")
NEW_YORK = Place("US", "NY")
JAPAN = Place("JP")
NOWHERE = Place()

# marketing, sale of data -> what comes out at each place, with an address:
# S send, L limited, H hold, D suppress as denied
EXPECTED = {
    "place": ("DE", "US-CA", "US", "US-VA", "US-NY", "JP", "?"),
    (None, None): "H L L S S S S",
    (None, True): "H S S S S S S",
    (None, False): "H L L D L L L",
    (True, None): "S S S S S S S",
    (True, True): "S S S S S S S",
    (True, False): "L L L D L L L",
    (False, None): "D D D D D D D",
    (False, True): "D D D D D D D",
    (False, False): "D D D D D D D",
}
PLACES = (GERMANY, CALIFORNIA, SOMEWHERE_US, VIRGINIA, NEW_YORK, JAPAN, NOWHERE)
MEANS = {
    "S": Decision("send"),
    "L": Decision("limited", None, ("LDU",), 0, 0),
    "H": Decision("hold", Reason.AWAITING_CONSENT),
    "D": Decision("suppress", Reason.CONSENT_DENIED),
}
FLAGS = (None, True, False)


@pytest.mark.parametrize(("marketing", "sale"), list(product(FLAGS, FLAGS)))
def test_the_truth_table(marketing: bool | None, sale: bool | None) -> None:
    asked = Consent(marketing=marketing, sale_of_data=sale)
    got = [decide(asked, place, has_ip=True) for place in PLACES]
    letters = str(EXPECTED[marketing, sale]).split()
    assert got == [MEANS[letter] for letter in letters]


@pytest.mark.parametrize("place", PLACES)
def test_no_record_is_silence(place: Place) -> None:
    assert decide(None, place, has_ip=True) == decide(Consent(), place, has_ip=True)
    assert decide(Consent(analytics=True), place, has_ip=True) == decide(None, place, has_ip=True)


@pytest.mark.parametrize("state", LDU_STATES)
def test_limited_without_an_address_names_the_state(state: object) -> None:
    region, code = state.region, state.code  # type: ignore[attr-defined]
    got = decide(None, Place("US", region), has_ip=False)
    assert got == Decision("limited", None, ("LDU",), 1, code)


def test_limited_without_address_and_state_is_suppressed() -> None:
    assert decide(None, SOMEWHERE_US, has_ip=False) == Decision("suppress", Reason.CONSENT_UNKNOWN)
    opted_out = Consent(sale_of_data=False)
    for place in (SOMEWHERE_US, NEW_YORK, JAPAN):
        got = decide(opted_out, place, has_ip=False)
        assert got == Decision("suppress", Reason.CONSENT_DENIED)


@pytest.mark.parametrize("country", ["AT", "FR", "IS", "LI", "NO", "GB", "CH", "RE"])
def test_countries_that_ask_first(country: str) -> None:
    assert zone_of(Place(country)) == "opt_in"
    assert decide(None, Place(country), has_ip=True).verdict == "hold"


@pytest.mark.parametrize(
    ("unknown", "place", "expected"),
    [
        ("send", GERMANY, MEANS["S"]),
        ("send", CALIFORNIA, MEANS["S"]),
        ("limited", GERMANY, MEANS["L"]),
        ("limited", JAPAN, MEANS["L"]),
        ("hold", JAPAN, MEANS["H"]),
        ("hold", CALIFORNIA, MEANS["H"]),
        ("suppress", GERMANY, Decision("suppress", Reason.CONSENT_UNKNOWN)),
        ("suppress", JAPAN, Decision("suppress", Reason.CONSENT_UNKNOWN)),
    ],
)
def test_the_owners_policy_speaks_where_the_shopper_did_not(
    unknown: str, place: Place, expected: Decision
) -> None:
    assert decide(None, place, unknown=unknown, has_ip=True) == expected


@pytest.mark.parametrize("unknown", POLICIES)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("has_ip", [True, False])
def test_no_policy_overrides_an_answer(unknown: str, place: Place, has_ip: bool) -> None:
    denied = decide(Consent(marketing=False), place, unknown=unknown, has_ip=has_ip)
    assert denied == Decision("suppress", Reason.CONSENT_DENIED)
    sold = decide(Consent(sale_of_data=False), place, unknown=unknown, has_ip=has_ip)
    assert sold.verdict != "send"
    agreed = decide(Consent(marketing=True), place, unknown=unknown, has_ip=has_ip)
    assert agreed.verdict == "send"


def test_the_last_row_fits_everything() -> None:
    assert consent.TABLE[-1][:3] == ("any", "any", "any")
    assert not consent.OPT_IN & {"US"}
    assert not consent.LAW_WITHOUT_LDU & {row.region for row in LDU_STATES}


def test_shopify_flags_by_either_name() -> None:
    by_api = {"marketing": True, "analytics": False, "sale_of_data": None, "preferences": True}
    assert from_shopify(by_api, 7) == Consent(
        marketing=True, analytics=False, source="shopify", at=7
    )
    by_event = {
        "marketingAllowed": False,
        "analyticsProcessingAllowed": True,
        "saleOfDataAllowed": False,
    }
    assert from_shopify(by_event, 7) == Consent(
        marketing=False, analytics=True, sale_of_data=False, source="shopify", at=7
    )
    assert from_shopify({"marketing": "yes"}, 7) is None


@pytest.mark.parametrize(("header", "opts_out"), [("1", True), (" 1 ", True), ("0", False)])
def test_global_privacy_control(header: str, opts_out: bool) -> None:
    got = from_gpc(header, 7)
    assert got == (Consent(sale_of_data=False, source="gpc", at=7) if opts_out else None)


def test_no_header_no_control() -> None:
    assert from_gpc(None, 7) is None


def test_the_strictest_of_several() -> None:
    assert strictest(None, None) is None
    got = strictest(
        Consent(marketing=True, source="cart", at=1), None, Consent(sale_of_data=False, at=2)
    )
    assert got == Consent(marketing=True, sale_of_data=False, source="cart", at=2)
    both = strictest(Consent(marketing=True, source="a"), Consent(marketing=False, source="b"))
    assert both == Consent(marketing=False, source="a+b")


def encoded(bits: str) -> str:
    padded = bits + "0" * (-len(bits) % 24)
    raw = bytes(int(padded[i : i + 8], 2) for i in range(0, len(padded), 8))
    return urlsafe_b64encode(raw).decode().rstrip("=")


def tc_string(
    purposes: set[int], vendors: str = "0" * 16 + "0", *, version: int = 2, more: str = ""
) -> str:
    granted = "".join("1" if i in purposes else "0" for i in range(1, 25))
    head = f"{version:06b}".ljust(152, "0")
    return encoded(head + granted + "0" * 24 + "0" + "0" * 12 + vendors) + more


LISTED = f"{10:016b}" + "0" + "0100000001"
RANGED = (
    f"{900:016b}" + "1" + f"{2:012b}" + "0" + f"{89:016b}" + "1" + f"{700:016b}" + f"{800:016b}"
)


def test_a_tc_string_with_listed_vendors() -> None:
    tcf = consent_strings.decode_tcf(tc_string({1, 3, 24}, LISTED, more=".YAAAAAAAAAA"))
    assert tcf is not None
    assert tcf.purposes == {1, 3, 24}
    assert [n for n in range(20) if tcf.allows(n)] == [2, 10]


def test_a_tc_string_with_ranges_of_vendors() -> None:
    tcf = consent_strings.decode_tcf(tc_string({1}, RANGED))
    assert tcf is not None
    assert tcf.allows(89)
    assert tcf.allows(700)
    assert tcf.allows(800)
    assert not tcf.allows(699)


@pytest.mark.parametrize(
    ("purposes", "additional", "marketing"),
    [
        ({1, 3, 4, 7}, None, True),
        ({1, 3, 4, 7, 8}, "1~35.89.101", True),
        ({1, 3, 4, 7}, "2~35.89~dv.1.2", True),
        ({1, 3, 4, 7}, "1~35.101", False),
        ({1, 3, 4, 7}, "2~~dv.89", False),
        ({1, 3, 4, 7}, "garbage", False),
        ({1, 3, 4}, "1~89", False),
        (set(), "1~89", False),
    ],
)
def test_marketing_needs_the_purposes_and_the_platform(
    purposes: set[int], additional: str | None, marketing: bool
) -> None:
    got = from_tcf(tc_string(purposes), 7, additional)
    assert got == Consent(marketing=marketing, analytics={1, 8} <= purposes, source="tcf", at=7)


def test_a_platform_on_the_iab_list_is_looked_up_there(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = consent_strings.Vendor("other", 89, None, "")
    monkeypatch.setattr(consent, "VENDORS", (listed,))
    yes, no = tc_string({1, 3, 4, 7}, RANGED), tc_string({1, 3, 4, 7}, LISTED)
    assert from_tcf(yes, 7, platform="other") == Consent(
        marketing=True, analytics=False, source="tcf", at=7
    )
    assert from_tcf(no, 7, platform="other") == Consent(
        marketing=False, analytics=False, source="tcf", at=7
    )
    unlisted = from_tcf(no, 7, platform="unheard-of")
    assert unlisted is not None
    assert unlisted.marketing


@pytest.mark.parametrize(
    "text", ["", "C", "CP", "!!!", "CAAAA", tc_string({1}, version=1), "C" * 20_000, "é" * 40]
)
def test_an_unreadable_tc_string_is_no_consent(text: str) -> None:
    assert from_tcf(text, 7) is None


def test_a_cut_vendor_list_is_unreadable() -> None:
    assert consent_strings.decode_tcf(tc_string({1}, f"{60000:016b}" + "0")) is None


OPTED_IN = "BVQqAAAAAgA.QA"
FIELDS = "01" * 3 + "01" + "00" * 2


def usnat(sale: int, sharing: int, targeted: int) -> str:
    return encoded("000001" + FIELDS + f"{sale:02b}{sharing:02b}{targeted:02b}" + "0" * 40)


@pytest.mark.parametrize(
    ("text", "sale"),
    [
        (f"DBABLA~{OPTED_IN}", True),
        ("DBABLA~BVQqAAAAAgA.YA", False),
        (f"DBABLA~{usnat(1, 2, 2)}", False),
        (f"DBABLA~{usnat(2, 2, 1)}", False),
        (f"DBABLA~{usnat(0, 2, 0)}", True),
        ("DBABTA~1YNN", True),
        ("DBABTA~1YYN", False),
    ],
)
def test_us_sections_of_gpp(text: str, sale: bool) -> None:
    assert from_gpp(text, 7) == Consent(sale_of_data=sale, source="gpp", at=7)


@pytest.mark.parametrize("case", GPP_US, ids=lambda case: str(case["name"]))
def test_us_sections_as_the_standards_own_library_writes_them(case: dict[str, Any]) -> None:
    def sold(text: str) -> bool | None:
        found = from_gpp(text, 7)
        return found.sale_of_data if found else None

    assert sold(case["sale"]) is False
    assert sold(case["targeted"]) is False
    assert sold(case["neither"]) is True
    assert sold(case["silent"]) is None
    assert sold(case.get("gpc", case["sale"])) is False


def test_every_us_section_has_a_case() -> None:
    told = {(case["id"], case["name"], "gpc" in case) for case in GPP_US}
    assert told == {(s.id, s.name, s.gpc) for s in consent_strings.US_SECTIONS}


def test_a_section_unknown_cut_or_silent_says_nothing() -> None:
    assert consent_strings.opted_out(99, OPTED_IN) is None
    assert consent_strings.opted_out(7, "B") is None
    assert consent_strings.opted_out(7, "BV") is None
    assert consent_strings.opted_out(6, "1---") is None
    assert consent_strings.opted_out(6, "1Y") is None
    assert from_gpp(f"DBABLA~{usnat(0, 0, 0)}", 7) is None


def test_gpp_with_a_tc_string_and_a_us_section() -> None:
    tcf = tc_string({1, 3, 4, 7})
    got = from_gpp(f"DBACNY~{tcf}~1YYN", 7)
    assert got == Consent(marketing=True, analytics=False, sale_of_data=False, source="gpp", at=7)
    broken = from_gpp("DBACNY~broken~1YYN", 7)
    assert broken == Consent(sale_of_data=False, source="gpp", at=7)


def test_gpp_sections_in_a_range() -> None:
    assert consent_strings.decode_gpp("DBABjw~a~b") == {5: "a", 6: "b"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DBABM",
        "DBABA~x",
        "DBABLA",
        "DBABLA~a~b",
        "CAAA~x",
        "DCABLA~x",
        "DBABL~",
        "D",
        "DBAB~x",
        "~",
        "é~x",
    ],
)
def test_an_unreadable_gpp_string_is_no_consent(text: str) -> None:
    assert from_gpp(text, 7) is None


@given(st.text(alphabet="ABCDYghij-_~.019é", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for got in (from_gpp(text, 7), from_tcf(text, 7, text), from_tcf("C" + text, 7)):
        assert got is None or isinstance(got, Consent)
    consent_strings.opted_out(7, text)


@given(st.sets(st.integers(1, 24)), st.sets(st.integers(1, 60)))
def test_what_was_encoded_is_decoded(purposes: set[int], vendors: set[int]) -> None:
    most = max(vendors, default=0)
    field = "".join("1" if i in vendors else "0" for i in range(1, most + 1))
    tcf = consent_strings.decode_tcf(tc_string(purposes, f"{most:016b}0{field}"))
    assert tcf is not None
    assert tcf.purposes == purposes
    assert {n for n in range(100) if tcf.allows(n)} == vendors
