from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillpost.core import matching
from tillpost.core.match_key import Code, Key, of_value
from tillpost.core.matching import Rules, account_of, match
from tillpost.core.received import Match

RULES = Rules()


def key(code: str, value: str) -> Key:
    return of_value(Code[code], value)


def known(
    *accounts: tuple[Key, ...],
) -> tuple[dict[Key, tuple[int, ...]], dict[int, frozenset[Key]]]:
    """Accounts 1, 2, ... with these keys."""
    owners: defaultdict[Key, list[int]] = defaultdict(list)
    for person, keys in enumerate(accounts, 1):
        for one in keys:
            owners[one].append(person)
    return (
        {one: tuple(having) for one, having in owners.items()},
        {person: frozenset(keys) for person, keys in enumerate(accounts, 1)},
    )


ANN = (key("em", "ann"), key("ph", "1"), key("fn", "ann"))
BOB = (key("em", "bob"), key("ph", "1"), key("fn", "bob"))
CY = (key("em", "cy"), key("ph", "3"), key("fn", "cy"), key("external_id", "c"))


def test_one_key_decides() -> None:
    found = match((key("em", "ann"),), *known(ANN, BOB), RULES)
    assert (found.person, found.by, found.confidence) == (1, ("em",), 0.95)


def test_two_keys_make_it_surer() -> None:
    found = match((key("em", "cy"), key("ph", "3")), *known(ANN, CY), RULES)
    assert (found.person, found.by, found.confidence) == (2, ("em", "ph"), 0.99)


def test_a_shared_phone_never_decides() -> None:
    found = match((key("ph", "1"),), *known(ANN, BOB), RULES)
    assert found.person is None
    assert found.reason == "ph shared by several accounts"


def test_another_key_decides_beside_a_shared_phone() -> None:
    assert match((key("ph", "1"), key("em", "bob")), *known(ANN, BOB), RULES).person == 2


@pytest.mark.parametrize("code", ["fn", "ln", "ct", "st", "zp", "country", "db", "ge"])
def test_what_many_share_never_matches_alone(code: str) -> None:
    one = key(code, "x")
    found = match((one,), *known((one, key("em", "ann"))), RULES)
    assert found.person is None
    assert found.reason == f"{code} cannot match alone"


def test_contradiction_goes_by_precedence_and_is_unsure() -> None:
    found = match((key("ph", "3"), key("em", "ann")), *known(ANN, CY), RULES)
    assert (found.person, found.by) == (1, ("em",))
    assert found.confidence == pytest.approx(0.57)
    assert found.reason == "em and ph point at different accounts"


def test_a_first_name_settles_a_contradiction() -> None:
    keys = (key("ph", "3"), key("em", "ann"), key("fn", "cy"))
    found = match(keys, *known(ANN, CY), RULES)
    assert (found.person, found.by) == (2, ("ph",))


def test_a_contradiction_can_be_too_unsure() -> None:
    found = match((key("ph", "3"), key("em", "ann")), *known(ANN, CY), Rules(least=0.9))
    assert found.person is None
    assert found.reason is not None
    assert "too unsure" in found.reason


def test_one_shareable_key_yields_to_another_first_name() -> None:
    keys = (key("ph", "3"), key("fn", "dan"))
    found = match(keys, *known(ANN, CY), RULES)
    assert found.person is None
    assert found.reason == "only ph agrees, and the first name differs"
    assert match(keys, *known(ANN, CY), Rules(name_veto=False)).person == 2
    assert match((*keys, key("em", "cy")), *known(ANN, CY), RULES).person == 2


def test_a_key_of_ones_own_outweighs_a_nickname_but_is_less_sure() -> None:
    found = match((key("em", "cy"), key("fn", "cyrus")), *known(ANN, CY), RULES)
    assert (found.person, found.by, found.reason) == (2, ("em",), "the first name differs")
    assert found.confidence < matching.LEARN_FROM


def test_two_facts_outweigh_one_address() -> None:
    keys = (key("em", "cy"), key("fn", "dan"), key("ph", "9"))
    found = match(keys, *known(ANN, CY), RULES)
    assert (found.person, found.reason) == (None, "only em agrees, and first name and ph differ")
    assert match((*keys, key("ph", "3")), *known(ANN, CY), RULES).person == 2


def test_any_form_of_a_name_agrees() -> None:
    keys = (key("ph", "3"), key("fn", "c y"), key("fn", "cy"))
    assert match(keys, *known(ANN, CY), RULES).person == 2


def test_no_key_at_all() -> None:
    assert match((), {}, {}, RULES).reason == "no match key"
    assert match((key("em", "x"),), {}, {}, RULES).reason == "em unknown to every account"


def test_keys_that_contradict_each_other_need_a_first_name_that_agrees() -> None:
    stranger = (key("em", "ann"), key("ph", "3"), key("fn", "eve"))
    found = match(stranger, *known(ANN, CY), RULES)
    assert found.person is None
    assert str(found.reason).endswith("and no first name agrees")


def by_learned(keys: tuple[Key, ...], *people: int) -> Match:
    """The match by a browser that was learned for these accounts; account 1 is Ann's."""
    learned = {matching.learned_key("1", key("fbp", "b")): people}
    return matching.match_learned("1", keys, learned, known(ANN)[1], RULES)


def test_learned_keys_stand_back_behind_an_own_address() -> None:
    fbp = key("fbp", "b")
    found = by_learned((fbp,), 1)
    assert (found.person, found.merged) == (1, True)
    assert by_learned((fbp, key("em", "guest")), 1).person is None
    assert by_learned((fbp, key("fn", "eve")), 1).person is None
    assert by_learned((fbp,), 1, 2).person is None


def taught(keys: tuple[Key, ...], found: Match, **learned: int) -> dict[Key, int]:
    """Key -> account, as dataset 1 learns it; `learned` is what it knows by external ids."""
    before = {matching.learned_key("1", key("external_id", i)): (p,) for i, p in learned.items()}
    lessons = dict(matching.lessons("1", keys, found, before))
    names = {matching.learned_key("1", one): one for one in keys}
    return {names[one]: person for one, person in lessons.items()}


def test_only_sure_matches_teach() -> None:
    keys = (key("em", "ann"), key("fbp", "b"), key("external_id", "e"))
    sure = match(keys, *known(ANN), RULES)
    assert taught(keys, sure) == dict.fromkeys(keys[1:], 1)
    unsure = match((*keys, key("ph", "3")), *known(ANN, CY), RULES)
    assert unsure.person == 1
    assert taught(keys, unsure) == {key("fbp", "b"): matching.STRANGER}


def test_what_was_learned_teaches_nothing() -> None:
    merged = Match(1, ("external_id",), 0.9, merged=True)
    assert taught((key("fbp", "b"), key("external_id", "e")), merged) == {}


def test_a_browser_that_a_stranger_used_too_is_nobodys() -> None:
    fbp = key("fbp", "b")
    assert taught((key("em", "eve"), fbp), Match()) == {fbp: matching.STRANGER}
    assert by_learned((fbp,), 1).person == 1
    assert by_learned((fbp,), matching.STRANGER, 1).person is None
    assert by_learned((fbp,), matching.STRANGER).person is None


def test_only_who_tells_who_they_are_is_a_stranger() -> None:
    fbp, customer = key("fbp", "b"), key("external_id", "7")
    assert taught((fbp, customer), Match()) == {}
    new_address = (key("em", "new"), customer, fbp)
    assert taught(new_address, Match(), **{"7": 1}) == {}
    assert taught(new_address, Match(), **{"8": 1}) == {fbp: matching.STRANGER}


def test_learning_stays_in_the_dataset() -> None:
    fbp = key("fbp", "b")
    assert matching.learned_key("1", fbp) != matching.learned_key("2", fbp)


def test_a_report_finds_its_account() -> None:
    assert account_of((key("em", "ann"),), *known(ANN, BOB)) == (1, False)
    assert account_of((key("ph", "1"), key("em", "bob")), *known(ANN, BOB)) == (2, False)
    assert account_of((key("em", "new"),), *known(ANN, BOB)) == (None, True)
    assert account_of((key("ph", "1"),), *known(ANN, BOB)) == (None, False)


def test_a_shared_phone_does_not_make_two_reports_one_account() -> None:
    assert account_of((key("em", "new"), key("ph", "3")), *known(ANN, CY)) == (None, True)


emails = st.sampled_from(["a", "b", "c", "d", "family"]).map(lambda v: key("em", v))
phones = st.sampled_from(["1", "2", "3", "office"]).map(lambda v: key("ph", v))
first_names = st.sampled_from(["ann", "bob"]).map(lambda v: key("fn", v))
people = st.lists(
    st.lists(emails | phones | first_names, max_size=4, unique=True).map(tuple),
    min_size=1,
    max_size=5,
)


@given(people, st.lists(emails | phones | first_names, max_size=4, unique=True))
def test_a_match_rests_on_a_key_that_nobody_else_has(
    accounts: list[tuple[Key, ...]], keys: list[Key]
) -> None:
    owners, held = known(*accounts)
    found = match(keys, owners, held, RULES)
    if found.person is not None:
        own = [k for k in matching.strong(keys) if owners.get(k) == (found.person,)]
        assert own
        assert set(found.by) <= {Code(k[0]).name for k in own}


@given(people, phones, first_names)
def test_a_phone_alone_never_leads_to_another_first_name(
    accounts: list[tuple[Key, ...]], phone: Key, name: Key
) -> None:
    owners, held = known(*accounts)
    found = match([phone, name], owners, held, RULES)
    if found.person is not None:
        names = {one for one in held[found.person] if one[0] == Code.fn}
        assert not names or name in names


@given(people, st.lists(emails | phones, min_size=1, max_size=3, unique=True))
def test_keys_shared_by_two_accounts_never_merge_them(
    accounts: list[tuple[Key, ...]], shared: list[Key]
) -> None:
    both = [(*keys, *shared) for keys in accounts]
    if len(both) > 1:
        owners, held = known(*both)
        assert match(shared, owners, held, RULES).person is None


@given(people, st.lists(emails | phones | first_names, max_size=4, unique=True), st.randoms())
def test_the_order_of_keys_does_not_matter(
    accounts: list[tuple[Key, ...]], keys: list[Key], dice: object
) -> None:
    owners, held = known(*accounts)
    shuffled = sorted(keys, key=lambda _: dice.random())  # type: ignore[attr-defined]
    one, other = match(keys, owners, held, RULES), match(shuffled, owners, held, RULES)
    assert (one.person, one.confidence) == (other.person, other.confidence)


@given(people, st.lists(emails | phones, min_size=1, max_size=3, unique=True))
def test_a_report_never_joins_accounts_with_other_addresses(
    accounts: list[tuple[Key, ...]], keys: list[Key]
) -> None:
    owners, held = known(*accounts)
    person, _ = account_of(keys, owners, held)
    given_emails = {k for k in keys if k[0] == Code.em}
    if person is not None and given_emails:
        own = {k for k in held[person] if k[0] == Code.em}
        assert not own or own & given_emails
