"""The golden cases of `tests/cases/identity`, and what must hold for any text at all."""

import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tillpost.core import identity, phone, states
from tillpost.core.identity import FORMS, NAMES, PLATFORMS, choose, identify, normalize, spellings
from tillpost.core.spelling import Code

CASES = Path(__file__).parent.parent / "cases" / "identity"
HASHED = tuple(row.name for row in identity.FIELDS)
TWICE = {"fn", "ln", "ct", "st", "zp"}


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def golden() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        for case in table["case"]:
            row = {"field": table.get("field"), "country": None, "finding": None} | case
            found.append(pytest.param(row, id=f"{row['field']}-{row['country']}-{row['input']!r}"))
    return found


@pytest.mark.parametrize("case", golden())
def test_case(case: dict[str, Any]) -> None:
    normal = normalize(case["field"], case["input"], case["country"])
    assert list(normal.values) == case["normalized"]
    assert [found.code for found in normal.findings] == (
        [case["finding"]] if case["finding"] else []
    )
    assert normal.hashed == case.get("hashed", False)


@pytest.mark.parametrize("case", golden())
def test_what_is_hashed_is_what_was_shown(case: dict[str, Any]) -> None:
    field, value = case["field"], str(case["input"])
    normal = normalize(field, value, case["country"])
    found = identify({field: (value,)}, case["country"])
    if field in HASHED:
        shown = [text if normal.hashed else digest(text) for text in normal.values]
        assert choose(found.keys).get(field, []) == shown
        told = spellings(field, value, case["country"])
        rows = tuple((f, text if normal.hashed else digest(text)) for f, text in told)
        assert found.keys.get(field, ()) == rows
    else:
        assert found.plain.get(field) == (normal.values[0] if normal.values else None)
    assert found.findings == normal.findings


def test_published_examples_of_meta() -> None:
    published = {
        (
            "em",
            "John_Smith@gmail.com",
        ): "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
        ("ph", "(650)555-1212"): "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
        ("fn", "Mary"): "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
        ("fn", "Valéry"): "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
        ("db", "2/16/1997"): "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c",
        (
            "country",
            "United States",
        ): "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
    }
    for (field, value), expected in published.items():
        assert choose(identify({field: (value,)}, "US").keys)[field] == [expected]


PERSON = {
    "em": ("J.Doe+News@Gmail.com",),
    "ph": ("(212) 555-0147",),
    "fn": ("Mary-Ann",),
    "ln": ("O'Hara Smith",),
    "ct": ("Montréal",),
    "st": ("Québec",),
    "zp": ("H2X 1Y4",),
    "country": ("Canada",),
    "db": ("1984-03-09",),
    "ge": ("F",),
    "external_id": ("Cust-7",),
}

SENT = {
    "meta": {
        "em": ["j.doe+news@gmail.com"],
        "ph": ["12125550147"],
        "fn": ["maryann", "mary-ann"],
        "ln": ["oharasmith", "o'hara smith"],
        "ct": ["montréal", "montral"],
        "st": ["québec", "qc"],
        "zp": ["h2x1y4", "h2x 1y4"],
        "country": ["ca"],
        "db": ["19840309"],
        "ge": ["f"],
        "external_id": ["cust-7"],
    },
    "tiktok": {
        "em": ["j.doe+news@gmail.com"],
        "ph": ["+12125550147"],
        "fn": ["mary-ann"],
        "ln": ["o'harasmith"],
        "zp": ["h2x1y4"],
        "external_id": ["cust-7"],
    },
    "google": {
        "em": ["jdoe+news@gmail.com"],
        "ph": ["+12125550147"],
        "fn": ["mary-ann"],
        "ln": ["o'hara smith"],
    },
    "pinterest": {
        "em": ["j.doe+news@gmail.com"],
        "ph": ["12125550147"],
        "fn": ["mary-ann"],
        "ln": ["o'hara smith"],
        "ct": ["montréal"],
        "st": ["qc"],
        "zp": ["h2x1y4"],
        "country": ["ca"],
        "db": ["19840309"],
        "ge": ["f"],
        "external_id": ["cust-7"],
    },
    "snap": {
        "em": ["j.doe+news@gmail.com"],
        "ph": ["12125550147"],
        "fn": ["mary-ann"],
        "ln": ["o'harasmith"],
        "ct": ["montréal"],
        "st": ["qc"],
        "zp": ["h2x1y4"],
        "country": ["ca"],
        "external_id": ["cust-7"],
    },
    "reddit": {
        "em": ["jdoe@gmail.com"],
        "ph": ["+12125550147"],
        "external_id": ["Cust-7"],
    },
    "linkedin": {"em": ["j.doe+news@gmail.com"]},
    "x": {"em": ["j.doe+news@gmail.com"], "ph": ["+12125550147"]},
    "microsoft": {"em": ["j.doe+news@gmail.com"], "ph": ["12125550147"]},
    "openai": {"em": ["j.doe+news@gmail.com"]},
}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_platform_is_sent_its_own_spellings(platform: str) -> None:
    expected = {name: [digest(text) for text in texts] for name, texts in SENT[platform].items()}
    assert choose(identify(PERSON).keys, platform) == expected


def test_an_unknown_platform_is_an_error() -> None:
    with pytest.raises(KeyError):
        choose({}, "myspace")


def test_two_values_of_a_key_keep_their_order_and_do_not_repeat() -> None:
    raw = {"em": ("a.b@gmail.com", "c@example.org", "A.B@gmail.com")}
    keys = identify(raw).keys
    assert choose(keys) == {"em": [digest("a.b@gmail.com"), digest("c@example.org")]}
    assert choose(keys, "google") == {"em": [digest("ab@gmail.com"), digest("c@example.org")]}


def test_a_given_phone_hash_goes_only_where_its_spelling_is_known() -> None:
    keys = identify({"ph": (digest("12125550147").upper(),)}).keys
    assert keys == {"ph": (("given", digest("12125550147")),)}
    assert choose(keys) == {"ph": [digest("12125550147")]}
    assert choose(keys, "tiktok") == {}


def test_an_address_made_of_dots_alone_has_no_further_spelling() -> None:
    assert spellings("em", ".@gmail.com") == (("meta", ".@gmail.com"),)


def test_the_persons_own_country_places_phone_state_and_postcode() -> None:
    raw = {"country": ("??", "Germany"), "ph": ("0171 2345678",), "st": ("Bayern",)}
    found = identify(raw, "US")
    assert choose(found.keys)["ph"] == [digest("491712345678")]
    assert choose(found.keys)["st"] == [digest("bayern"), digest("by")]
    assert [(f.field, f.code) for f in found.findings] == [("country", "not_a_country")]


def test_good_values_are_kept_beside_bad_ones() -> None:
    raw = {"em": ("nobody", "a@example.org"), "madid": ("x", "0" * 31 + "1"), "shoe": ("42",)}
    found = identify(raw)
    assert choose(found.keys) == {"em": [digest("a@example.org")]}
    assert found.plain == {"madid": "00000000-0000-0000-0000-000000000001"}
    assert [(f.field, f.code) for f in found.findings] == [
        ("em", "not_an_email"),
        ("madid", "not_a_device_id"),
        ("shoe", "unknown_field"),
    ]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "empty"),
        (["a@example.org"], "not_text"),
        (1.5, "not_text"),
        (10**40, "not_text"),
        ("\ud800@example.org", "not_text"),
        ("x" * 600, "too_long"),
    ],
)
def test_values_that_are_no_text(value: object, code: str) -> None:
    assert [found.code for found in normalize("em", value).findings] == [code]


def test_long_and_broken_values_are_not_hashed_either() -> None:
    found = identify({"fn": ("x" * 600, "\ud800")})
    assert not found.keys
    assert [f.code for f in found.findings] == ["too_long", "not_text"]


def test_an_email_of_255_characters_is_none() -> None:
    assert normalize("em", "a" * 64 + "@" + "b" * 180 + ".example").values
    assert not normalize("em", "a" * 64 + "@" + "b" * 190 + ".example").values


def test_no_country_where_the_name_is_unknown_or_endless() -> None:
    assert identity.country_code("Narnia") is None
    assert identity.country_code("x" * 600) is None
    assert identity.country_code(None) is None


def test_every_field_and_form_says_its_rule() -> None:
    for field in NAMES:
        assert identity.rule(field, "meta")
    for form in FORMS:
        assert all(identity.rule(field, form.name) == form.rule for field in form.fields)
    assert "sender" in identity.rule("em", "given")


def test_every_code_has_words() -> None:
    assert set(identity.FINDINGS) == set(Code)
    assert len({code.value for code in Code}) == len(Code)


def test_state_names_known_without_a_country_are_of_one_country_only() -> None:
    names = [set(states._CODE_BY_STATE[country]) for country in states._UNASKED]
    assert not names[0] & names[1] | names[1] & names[2] | names[0] & names[2]


def test_emails_phones_and_ids_are_never_remembered() -> None:
    for field in ("em", "ph", "external_id", "db"):
        assert not hasattr(identity._MAKE[field], "cache_info")
    for field in ("fn", "ct", "country"):
        assert hasattr(identity._MAKE[field], "cache_info")


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
wild = st.one_of(
    st.text(max_size=60),
    st.integers(),
    st.none(),
    st.booleans(),
    st.floats(),
    st.lists(st.text(), max_size=2),
    st.from_regex(r"\+?[0-9 ().-]{5,20}(x[0-9]{1,3})?", fullmatch=True),
)
countries = st.one_of(st.none(), st.sampled_from(["US", "gb", "Germany", "JP", "IT", "XX", ""]))


@given(st.sampled_from([*NAMES, "nothing"]), wild, countries)
def test_any_value_has_spellings_or_a_finding(
    field: str, value: object, country: str | None
) -> None:
    normal = normalize(field, value, country)
    assert bool(normal.values) != bool(normal.findings)
    assert len(normal.values) <= (2 if field in TWICE else 1)
    assert len(set(normal.values)) == len(normal.values)
    assert all(normal.values)
    assert bool(spellings(field, value, country)) == bool(normal.values)


@given(st.sampled_from(HASHED), text, countries)
@example("fn", "İ", None)
@example("st", "Calif.", "US")
@example("zp", "94035 1234", None)
def test_a_spelling_is_its_own_spelling(field: str, value: str, country: str | None) -> None:
    for first in normalize(field, value, country).values[:1]:
        again = "+" + first if field == "ph" else first
        assert normalize(field, again, country).values[0] == first


@given(st.from_regex(r"\+?[0-9][0-9 ().-]{6,16}", fullmatch=True), countries)
@example("0043000000", None)
def test_a_phone_is_its_own_spelling(value: str, country: str | None) -> None:
    for first in normalize("ph", value, country).values:
        assert normalize("ph", "+" + first, country).values == (first,)


def _has_two_cases(char: str) -> bool:
    return char.upper().lower() == char.lower() and char.lower().upper() == char.upper()


cased = st.text(st.characters(exclude_categories=["Cs"]).filter(_has_two_cases), max_size=30)


@given(
    st.sampled_from([f for f in HASHED if f != "ph"]), cased, st.sampled_from(["", " ", "\t\n "])
)
@example("em", "a@example.org", " ")
@example("fn", "Mary", " ")
def test_case_and_outer_space_change_nothing(field: str, value: str, space: str) -> None:
    assume("Σ" not in value.upper())  # its lower case depends on its place in the word
    expected = normalize(field, value).values
    assert normalize(field, value.upper()).values == expected
    assert normalize(field, space + value + space).values == expected


@given(st.sampled_from(HASHED), st.integers(10**14, 10**15), st.sampled_from(["", "@x.org", " b"]))
def test_no_raw_value_is_in_what_is_kept(field: str, number: int, tail: str) -> None:
    canary = f"canary{number}"
    kept = repr(identify({field: (canary + tail, canary + "\ud800")}, "US"))
    assert str(number) not in kept


@given(st.sampled_from(HASHED), st.binary(min_size=32, max_size=32), st.booleans())
def test_a_hash_is_kept_in_lower_case(field: str, raw: bytes, upper: bool) -> None:
    given_hash = raw.hex().upper() if upper else raw.hex()
    for suffix in ("", ".AQQCAQMC", ".Bg"):
        assert normalize(field, given_hash + suffix).values == (raw.hex(),)
        assert identify({field: (given_hash + suffix,)}).keys == {field: (("given", raw.hex()),)}


def spaced(digits: str) -> st.SearchStrategy[str]:
    """`digits` with separators strewn in, as people write them."""
    marks = st.lists(st.sampled_from(["", "", "", " ", "-", "."]), min_size=20, max_size=20)
    return marks.map(lambda m: "".join(a + b for a, b in zip(digits, m, strict=False)).strip(" -."))


@st.composite
def plain_numbers(draw: st.DrawFn) -> tuple[str, str | None]:
    plan = draw(st.sampled_from(phone.PLANS))
    national = draw(st.from_regex(plan.national, fullmatch=True))
    if draw(st.booleans()):
        return "+" + draw(spaced(plan.code + national)), draw(st.sampled_from(["us", "de", None]))
    trunk = draw(st.from_regex(plan.trunk, fullmatch=True))
    return draw(spaced(trunk + national)), plan.region


@given(plain_numbers())
@example(("1 650 555 1212", "us"))
@example(("+39 333 1234567", None))
def test_the_plain_cases_agree_with_the_numbering_plans(number: tuple[str, str | None]) -> None:
    written, region = number
    quick = phone._plain(written, region)
    assert quick is not None
    parsed = phonenumbers.parse(written, region.upper() if region else None)
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    assert "+" + quick == e164
    assert phonenumbers.is_possible_number(parsed)
    assert phone._searched(written, region) == quick


@given(st.from_regex(r"[0-9 ()+./x-]{3,24}", fullmatch=True), countries)
def test_a_phone_is_placed_at_once_as_after_a_search(value: str, country: str | None) -> None:
    region = identity.country_code(country)
    quick = phone._plain(value, region)
    assert quick is None or quick == phone._searched(value, region)


NAUGHTY = [
    *("\x00", "\ufeff", "\u202e", "NULL", "undefined", "'; DROP TABLE people; --", "<script>"),
    *(
        "${jndi:ldap://x}",
        "\u03a9\u2248\u00e7\u221a\u222b\u02dc\u00b5",
        "\ufdfd",
        "\U0001f469\u200d\U0001f469",
    ),
    *(
        "\u01c6",
        "\ufb00",
        "\u1e9e",
        "\u0130",
        "\u0131",
        "\u00bd",
        "\u00b2",
        "\u2460",
        "\uff05",
        "()",
    ),
    *("+" * 100, "0" * 300, "1e1000", "-1", "NaN", "../../etc", "%00", "a@b", "@", "a@b.c"),
    *("+", "00", "+00", "(0)", "+(0)", "x", "ext 5", ",", ",,", "US", "US ", "1,US"),
    *("0000-00-00", "99999999", "\u0661\u0662", "+\u0661", "\U0001d7d9" * 11, "a\u0300" * 200),
]


@pytest.mark.parametrize("value", NAUGHTY)
def test_naughty_strings(value: str) -> None:
    for field in NAMES:
        normal = normalize(field, value, "US")
        assert bool(normal.values) != bool(normal.findings)
        found = identify({field: (value,)}, "US")
        assert bool(found.keys or found.plain) == bool(normal.values)
