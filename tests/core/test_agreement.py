"""Every wrong spelling is recognised for what it is, and no answer tells a value."""

import base64
import hashlib
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import misspelling
from tillpost.core.agreement import Agreement, compare, order_identifiers
from tillpost.core.misspelling import MISTAKES

ORDER: dict[str, Any] = {
    "id": 1001,
    "email": " Jane.Doe+news@Example.com ",
    "contact_email": "jane@work.example",
    "phone": None,
    "user_id": 99,
    "customer": {
        "id": 7358220173425,
        "first_name": "Zoë Anne",
        "last_name": "O'Brien",
        "default_address": {"city": "Oakland"},
    },
    "billing_address": {
        "first_name": "Zoë Anne",
        "last_name": "O'Brien",
        "phone": "(650) 555-1212",
        "city": "San José",
        "province": "California",
        "province_code": "CA",
        "zip": "94105-1234",
        "country": "United States",
        "country_code": "US",
    },
}
LONDON: dict[str, Any] = {
    "email": "jane@example.com",
    "billing_address": {
        "phone": "+44 (0)20 7946 0958",
        "city": "London",
        "province": "England",
        "zip": "SW1A 1AA",
        "country": "United Kingdom",
        "country_code": "GB",
    },
}


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def sent(key: str, value: Any, order: dict[str, Any] = ORDER) -> Agreement:
    found = compare([{"user_data": {key: value}}], order)
    return next(row for row in found if row.key == key)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("em", "jane.doe+news@example.com"),
        ("em", "jane@work.example"),
        ("ph", "16505551212"),
        ("fn", "zoëanne"),
        ("ln", "obrien"),
        ("ct", "sanjosé"),
        ("ct", "oakland"),
        ("st", "ca"),
        ("zp", "94105"),
        ("country", "us"),
        ("external_id", "7358220173425"),
    ],
)
def test_the_documented_spelling_matches(key: str, text: str) -> None:
    assert sent(key, digest(text)).verdict == "match"
    assert sent(key, [digest(text).upper()]).verdict == "match"
    assert sent(key, [digest("someone else"), f"{digest(text)}.AQQCAQMC"]).verdict == "match"


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("em", " Jane.Doe+news@Example.com ", "as_typed"),
        ("em", "Jane.Doe+news@Example.com", "capitals"),
        ("em", " jane.doe+news@example.com ", "not_trimmed"),
        ("em", "JANE.DOE+NEWS@EXAMPLE.COM", "upper_case"),
        ("em", "jane.doe@example.com", "untagged"),
        ("em", "janedoe+news@example.com", "undotted"),
        ("ph", "6505551212", "no_country_code"),
        ("ph", "06505551212", "trunk_zero"),
        ("ph", "+16505551212", "plus_sign"),
        ("ph", "0016505551212", "international_prefix"),
        ("ph", "(650) 555-1212", "as_typed"),
        ("fn", "Zoë Anne", "capitals"),
        ("fn", "zoeanne", "accents_removed"),
        ("fn", "zoanne", "letters_dropped"),
        ("fn", "z", "initial"),
        ("fn", "zoë anne o'brien", "full_name"),
        ("ln", "O'Brien Zoë Anne", "full_name"),
        ("ln", "zoëanne", "wrong_key"),
        ("ct", "San José", "capitals"),
        ("ct", "SANJOSÉ", "upper_case"),
        ("ct", "sanjose", "accents_removed"),
        ("st", "US-CA", "different"),
        ("st", "us-ca", "with_country"),
        ("st", "California", "capitals"),
        ("zp", "941051234", "zip_plus_four"),
        ("country", "US", "capitals"),
        ("country", "united states", "spelled_out"),
        ("st", "california", "spelled_out"),
        ("fn", "zoë anne", "spaces"),
        ("ln", "o'brien", "spaces"),
        ("ct", "san josé", "spaces"),
        ("zp", "94105-1234", "zip_plus_four"),
        ("external_id", "gid://shopify/Customer/7358220173425", "global_id"),
        ("em", "", "nothing"),
        ("ph", "undefined", "nothing"),
        ("em", "someone@else.example", "different"),
    ],
)
def test_a_wrong_spelling_is_recognised(key: str, text: str, reason: str) -> None:
    got = sent(key, [digest(text)])
    assert (got.verdict, got.reason) == ("mismatch", reason)
    assert got.message
    assert got.fix


@pytest.mark.parametrize(
    ("key", "text", "reason"),
    [
        ("ph", "4402079460958", "trunk_zero"),
        ("ph", "02079460958", "trunk_zero"),
        ("ph", "2079460958", "no_country_code"),
        ("zp", "SW1A 1AA", "capitals"),
        ("zp", "sw1a", "cut_at_space"),
        ("country", "uk", "different"),
        ("st", "en", "cut_to_two"),
    ],
)
def test_a_wrong_spelling_abroad(key: str, text: str, reason: str) -> None:
    assert sent(key, digest(text), LONDON).reason == reason


def test_the_digits_as_typed_with_an_extension() -> None:
    order = {"billing_address": {"phone": "650-555-1212 ext. 5", "country_code": "US"}}
    assert sent("ph", digest("65055512125"), order).reason == "digits_as_typed"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (hashlib.md5(b"jane@work.example", usedforsecurity=False).hexdigest(), "md5"),
        (hashlib.sha1(b"jane@work.example", usedforsecurity=False).hexdigest(), "sha1"),
        (hashlib.sha512(b"jane@work.example").hexdigest(), "sha512"),
        (digest(digest("jane@work.example")), "twice"),
        (digest('"jane@work.example"'), "quoted"),
        (base64.b64encode(sha256(b"jane@work.example").digest()).decode(), "base64"),
        (
            hashlib.md5(b" Jane.Doe+news@Example.com ", usedforsecurity=False).hexdigest(),
            "md5",
        ),
        ("Jane@Work.example", "unhashed"),
        ("someone@else.example", "different"),
    ],
)
def test_a_wrong_hash_is_recognised(value: str, reason: str) -> None:
    assert sent("em", value).reason == reason


def test_the_spelling_of_a_library_is_not_the_documented_one() -> None:
    order = {"billing_address": {"city": "Paris 15", "country_code": "FR"}}
    assert sent("ct", digest("paris15"), order).verdict == "match"
    assert sent("ct", digest("paris"), order).reason == "library_spelling"


def test_an_order_may_hold_hashes() -> None:
    order = {"phone": digest("16505551212")}
    assert sent("ph", digest("16505551212"), order).verdict == "match"
    assert sent("ph", digest("6505551212"), order).reason == "different"


def test_what_is_no_phone_number_has_no_national_part() -> None:
    spelled = {m.name: m.spell("", "0", None) for m in MISTAKES if m.keys == ("ph",)}
    assert spelled["no_country_code"] == ""


def test_an_id_in_plain_text_is_told() -> None:
    assert sent("external_id", 7358220173425).reason == "unhashed"


def test_the_recognised_reason_of_several_is_told() -> None:
    assert sent("ph", [digest("x"), digest("6505551212")]).reason == "no_country_code"
    assert sent("ph", [digest("x"), digest("y")]).reason == "different"


def test_what_is_missing_and_what_is_extra() -> None:
    found = {row.key: row for row in compare([{"user_data": {"ge": digest("f")}}], ORDER)}
    assert found["em"].verdict == "missing"
    assert found["ge"].verdict == "extra"
    assert "db" not in found


@pytest.mark.parametrize("user_data", [None, [], "x", {}])
def test_an_event_without_person_misses_everything(user_data: object) -> None:
    found = compare([{"user_data": user_data}, {}], ORDER)
    assert {row.verdict for row in found} == {"missing"}
    assert {row.event for row in found} == {0, 1}


def test_the_order_may_stand_under_its_name() -> None:
    assert order_identifiers({"order": ORDER}) == order_identifiers(ORDER)
    assert order_identifiers(ORDER)["external_id"] == ("7358220173425",)


def test_an_order_without_identifiers() -> None:
    odd = {"email": 7, "phone": True, "customer": {"id": 10**30}, "billing_address": []}
    assert order_identifiers(odd) == {"em": ("7",)}
    assert compare([{"user_data": {"em": digest("x")}}], {})[0].verdict == "extra"


def test_every_mistake_is_tried_by_a_case() -> None:
    names = {mistake.name for mistake in MISTAKES}
    assert "different" not in names
    assert all(set(mistake.keys) <= set(misspelling.KEYS) for mistake in MISTAKES)
    assert all(mistake.message and mistake.fix for mistake in MISTAKES)


def test_no_answer_tells_a_value() -> None:
    payload = [{"user_data": {"em": "Jane@Work.example", "ph": digest("6505551212")}}]
    told = msgspec.json.encode(compare(payload, ORDER)).decode()
    for secret in ("jane", "Jane", "6505551212", "O'Brien", digest("6505551212")):
        assert secret not in told


@given(
    st.dictionaries(
        st.sampled_from(misspelling.KEYS), st.text(max_size=12) | st.integers() | st.none()
    ),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_any_text_gets_an_answer(user_data: dict[str, Any], name: str, city: str) -> None:
    order = {"email": name, "phone": city, "billing_address": {"city": city, "first_name": name}}
    for row in compare([{"user_data": user_data}], order):
        assert row.verdict in {"match", "mismatch", "missing", "extra"}
