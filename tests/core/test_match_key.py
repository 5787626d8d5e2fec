from hashlib import sha256

import pytest

from tillpost.core import match_key
from tillpost.core.match_key import EMPTY_SHA256, Code


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def names(user_data: dict[str, object]) -> tuple[str, ...]:
    return match_key.names(match_key.find(user_data).keys)


def test_every_hashed_field_gives_a_key_a_value() -> None:
    user = {"em": [digest("a"), digest("b")], "ph": digest("1"), "ct": digest("paris")}
    found = match_key.find(user)
    assert [match_key.NAMES[key[0]] for key in found.keys] == ["em", "em", "ph", "ct"]
    assert {len(key) for key in found.keys} == {match_key.KEY_BYTES}
    assert found.unusable == ()


@pytest.mark.parametrize("given", [digest("a").upper(), f"{digest('a')}.AQICAQMC", digest("a")])
def test_case_and_suffix_of_a_hash_do_not_matter(given: str) -> None:
    assert match_key.find({"em": given}).keys == (match_key.of_hash(Code.em, digest("a")),)


@pytest.mark.parametrize(
    "value", ["jane@example.com", EMPTY_SHA256, "0" * 32, digest("a") + "x", " ", 7, "62a1"]
)
def test_what_is_no_hash_identifies_nobody(value: object) -> None:
    found = match_key.find({"em": [value], "ph": digest("1")})
    assert match_key.names(found.keys) == ("ph",)
    assert found.unusable == ("em",)


@pytest.mark.parametrize("value", [None, [], "", [None], {"a": 1}, True])
def test_nothing_is_not_unusable(value: object) -> None:
    assert match_key.find({"em": value, "zip": "x"}) == ((), ())


def test_external_id_raw_and_hashed_are_one() -> None:
    raw = match_key.find({"external_id": " USER-42 "}).keys
    for spelling in ("USER-42", "user-42"):
        assert set(match_key.find({"external_id": digest(spelling)}).keys) <= set(raw)
    assert match_key.find({"external_id": 42}).keys == match_key.find({"external_id": "42"}).keys


@pytest.mark.parametrize(
    "given", [f"{digest('7')}.AQICAQMC", [digest("7"), digest("7")], [digest("7"), EMPTY_SHA256]]
)
def test_an_external_id_hashed_by_the_sender_is_not_hashed_again(given: object) -> None:
    keys = match_key.find({"external_id": given}).keys
    assert keys == (match_key.of_hash(Code.external_id, digest("7")),)


@pytest.mark.parametrize(
    "fbc",
    [
        "fb.1.1554763741205.IwAR2_x-Y",
        "fb.2.1554763741205.IwAR2_x-Y.AQICAQMC",
        "fb.0.1700000000000.IwAR2_x-Y.Ag",
    ],
)
def test_fbc_is_its_click_id(fbc: str) -> None:
    assert match_key.find({"fbc": fbc}).keys == (match_key.of_click("IwAR2_x-Y"),)
    assert match_key.of_click(fbc) == match_key.of_click("IwAR2_x-Y")


def test_click_ids_keep_their_case_and_their_dots() -> None:
    assert match_key.of_click("AbC") != match_key.of_click("abc")
    assert match_key.of_click("fb.1.1554763741205.a.b") == match_key.of_click("a.b")
    assert match_key.of_click("  ") is None


def test_fbp_without_its_suffix() -> None:
    plain = match_key.find({"fbp": "fb.1.1596403881668.1116446470"}).keys
    assert match_key.find({"fbp": "fb.1.1596403881668.1116446470.AQYCAQMC"}).keys == plain
    assert match_key.find({"fbp": "fb.1.12.1"}) == ((), ("fbp",))


def test_packed_keys_come_back() -> None:
    keys = match_key.find({"em": digest("a"), "fbp": "fb.1.1596403881668.11"}).keys
    assert match_key.unpack(match_key.pack(keys)) == keys
    assert names({"em": [digest("a"), digest("b")]}) == ("em",)


def test_ids_of_the_platform_count_in_any_case() -> None:
    upper, lower = ({"madid": text} for text in ("38400000-8CF0-11BD", "38400000-8cf0-11bd"))
    assert match_key.find(upper).keys == match_key.find(lower).keys
    assert names({"lead_id": 123456789012345, "ig_sid": "a"}) == ("lead_id", "ig_sid")


def test_sixty_four_letters_that_are_no_hexadecimal_digits_are_no_hash() -> None:
    assert match_key.find({"em": "g" * 64}) == ((), ("em",))
    assert match_key.find({"em": "\u0661" * 64}) == ((), ("em",))
