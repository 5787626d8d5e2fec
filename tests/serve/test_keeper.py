"""Who is let in: one first link, hashed passwords, no endless guessing, roles, links that end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tillpost.core.outcome import Misconfigured
from tillpost.serve import keeper as keepers
from tillpost.serve.keeper import Keeper, Waits
from tillpost.serve.sessions import Sessions

GOOD = "a heron reads slowly"


class Clock:
    at = 1_000_000.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(clock)


@pytest.fixture
def keeper(tmp_path: Path, sessions: Sessions, clock: Clock) -> Iterator[Keeper]:
    made = Keeper(tmp_path, sessions, clock, None)
    yield made
    made.close()


def viewer(sessions: Sessions, cookie: Any) -> Any:
    assert isinstance(cookie, str)
    return sessions.viewer(cookie)


def test_the_first_link_works_once_and_its_password_from_then_on(
    keeper: Keeper, sessions: Sessions, tmp_path: Path
) -> None:
    token = keepers.first_token(tmp_path, make=True)
    assert token is not None
    assert (tmp_path / keepers.FIRST_FILE).stat().st_mode & 0o777 == 0o600
    assert not keeper.is_first("another")
    with pytest.raises(Misconfigured, match="at least 12"):
        keeper.first_sign_in(token, "ada", "short")
    found = viewer(sessions, keeper.first_sign_in(token, "ada", GOOD))
    assert (found.name, found.role, found.shop) == ("ada", "owner", None)
    with pytest.raises(Misconfigured, match="was used"):
        keeper.first_sign_in(token, "eve", GOOD)
    assert viewer(sessions, keeper.sign_in("ada", GOOD, "1.1.1.1")).role == "owner"
    assert keeper.sign_in("ada", "a heron reads fast", "1.1.1.1") is None
    assert keepers.has_users(tmp_path)


def test_nothing_on_disk_is_a_password_or_a_link(keeper: Keeper, tmp_path: Path) -> None:
    keeper.add("ada", "bo", "reader", "a", GOOD)
    token = keeper.make_link("ada", "a", "Client")
    (_, kept) = keeper.accounts.user("bo") or (None, "")
    assert kept.startswith("$argon2id$")
    rested = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert GOOD.encode() not in rested
    assert token.encode() not in rested


def test_five_wrong_passwords_and_the_name_waits_at_that_address(
    keeper: Keeper, clock: Clock
) -> None:
    keeper.add("ada", "bo", "owner", None, GOOD)
    for _ in range(keepers.MOST_FAILURES):
        assert keeper.sign_in("bo", "wrong wrong wrong", "1.1.1.1") is None
    told = keeper.sign_in("bo", GOOD, "1.1.1.1")
    assert isinstance(told, Waits)
    assert 0 < told.seconds <= keepers.FAILURE_SECONDS
    assert isinstance(keeper.sign_in("bo", GOOD, "2.2.2.2"), str)
    clock.at += keepers.FAILURE_SECONDS
    assert isinstance(keeper.sign_in("bo", GOOD, "1.1.1.1"), str)


@pytest.mark.parametrize(
    ("name", "role", "password", "told"),
    [
        ("", "owner", GOOD, "name"),
        ("a" * 61, "owner", GOOD, "name"),
        ("<b>", "owner", GOOD, "name"),
        ("bo", "king", GOOD, "role: use one of owner, analyst, reader"),
        ("bo", "owner", "aaaaaaaaaaaaaaa", "too easy"),
        ("heron", "owner", GOOD, "too easy"),
        ("bo", "owner", "My-Password-1234", "too easy"),
    ],
)
def test_a_user_that_cannot_be_one_is_told_why(
    keeper: Keeper, name: str, role: str, password: str, told: str
) -> None:
    with pytest.raises(Misconfigured, match=told):
        keeper.add("ada", name, role, None, password)


def test_the_last_owner_stays_and_who_goes_is_out_at_once(
    keeper: Keeper, sessions: Sessions
) -> None:
    keeper.add("ada", "ada", "owner", None, GOOD)
    keeper.add("ada", "bo", "analyst", "a", GOOD)
    with pytest.raises(Misconfigured, match="taken"):
        keeper.add("ada", "bo", "reader", None, GOOD)
    cookie = keeper.sign_in("bo", GOOD, "1.1.1.1")
    found = viewer(sessions, cookie)
    assert (found.may("import"), found.may("send"), found.sees(["a", "b"])) == (True, False, ["a"])
    with pytest.raises(Misconfigured, match="last owner"):
        keeper.remove("ada", "ada")
    keeper.remove("ada", "bo")
    assert viewer(sessions, cookie) is None
    assert keeper.sign_in("bo", GOOD, "1.1.1.1") is None


def test_a_read_only_link_shows_one_shop_until_it_ends(keeper: Keeper, sessions: Sessions) -> None:
    token = keeper.make_link("ada", "a", "Client")
    cookie = keeper.open_link(token)
    found = viewer(sessions, cookie)
    assert (found.role, found.shop, found.may("import")) == ("reader", "a", False)
    assert keeper.open_link("another") is None
    keeper.end_link("ada", keeper.accounts.links()[0].id)
    assert viewer(sessions, cookie) is None
    assert keeper.open_link(token) is None


def test_a_session_ends_and_its_proof_is_its_own(sessions: Sessions, clock: Clock) -> None:
    one, two = sessions.open("ada", "owner"), sessions.open("ada", "owner")
    first, second = viewer(sessions, one), viewer(sessions, two)
    token = first.form_token()
    assert token != first.form_token()
    assert first.is_form(token)
    assert not second.is_form(token)
    assert not first.is_form("")
    assert "secret" not in repr(first)
    clock.at += 12 * 3600
    assert viewer(sessions, one) is None


def test_every_line_of_the_log_hangs_on_the_one_before(keeper: Keeper) -> None:
    for number in range(3):
        keeper.note("ada", "did", str(number), "a")
    assert keeper.accounts.first_broken() is None
    assert [e.detail for e in keeper.accounts.audit(2**62, 10)] == ["2", "1", "0"]


def test_a_restart_signs_nobody_out_and_the_file_opens_nothing(
    keeper: Keeper, sessions: Sessions, clock: Clock, tmp_path: Path
) -> None:
    keeper.add("ada", "bo", "analyst", "a", GOOD)
    cookies = [keeper.sign_in("bo", GOOD, "1.1.1.1") for _ in range(3)]
    seen = viewer(sessions, cookies[0])
    form = seen.form_token()
    sessions.close(str(cookies[1]))
    rested = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(str(cookie).encode() in rested for cookie in cookies)
    again = Sessions(clock)
    later = Keeper(tmp_path, again, clock, None)
    assert viewer(again, cookies[0]) == seen
    assert viewer(again, cookies[0]).is_form(form)
    assert viewer(again, cookies[1]) is None
    later.change_own_password(seen, GOOD, "an otter swims at dusk")
    assert viewer(again, cookies[0]) is not None
    assert viewer(again, cookies[2]) is None
    later.remove("ada", "bo")
    later.close()
    last = Sessions(clock)
    Keeper(tmp_path, last, clock, None).close()
    assert viewer(last, cookies[0]) is None


def test_the_present_password_is_not_guessed_for_ever(keeper: Keeper, sessions: Sessions) -> None:
    keeper.add("ada", "bo", "owner", None, GOOD)
    seen = viewer(sessions, keeper.sign_in("bo", GOOD, "1.1.1.1"))
    for _ in range(keepers.MOST_FAILURES):
        with pytest.raises(Misconfigured, match="is wrong"):
            keeper.change_own_password(seen, "wrong wrong wrong", GOOD)
    with pytest.raises(Misconfigured, match="too many"):
        keeper.change_own_password(seen, GOOD, "an otter swims at dusk")
    nobody = viewer(sessions, sessions.open("owner", "owner"))
    with pytest.raises(Misconfigured, match="none of its own"):
        keeper.change_own_password(nobody, "", GOOD)
