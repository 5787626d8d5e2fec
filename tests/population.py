"""A population whose truth is known, for measuring how surely events find their accounts.

Made of distinct random people who live as shoppers do: families share phones, addresses
and browsers, e-mails change, numbers are given on, guests leave little. Every proportion is
a constant below. Addresses of the network are not made at all: no event can carry one.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tillpost.core.match_key import Code, Key, of_value
from tillpost.core.received import AccountSeen, ReceivedEvent

AT = 1_790_000_000
DATASET = "1"

ACCOUNT = 0.80
"""People who have an account at the platform."""

ACCOUNT_PHONE = 0.60
FAMILY = 0.45
"""People who live in a family of two to four."""


@dataclass(frozen=True)
class Sharing:
    """How many families share one phone, one address, one browser, as parts of one.

    As it stands, four in a hundred people share a key, and a quarter share a browser.
    """

    phone: float = 0.05
    email: float = 0.02
    browser: float = 0.60


HARD = Sharing(phone=0.30, email=0.06)
"""Far more sharing than is usual: one person in six."""


OTHER_EMAIL = 0.25
"""People whose address in the shop is not their account's."""

SECOND_HAND = 0.005
"""People whose phone was another account's before, and still stands there."""

GIVES_PHONE, GIVES_NAME, GUEST, TYPO, NICKNAME = 0.55, 0.95, 0.35, 0.01, 0.01


@dataclass
class Person:
    """One real person, with what the shop and the platform hear of them."""

    number: int
    first_name: str
    email: str
    phone: str
    browser: str
    has_account: bool
    account_email: str
    account_phone: str | None


def population(count: int, seed: int = 1, sharing: Sharing = Sharing()) -> list[Person]:
    """`count` people; the same for the same seed."""
    dice = random.Random(seed)
    people: list[Person] = []
    while len(people) < count:
        size = dice.randint(2, 4) if dice.random() < FAMILY / 2.1 else 1
        people.extend(_family(dice, len(people), size, sharing))
    del people[count:]
    _hand_on_numbers(dice, people)
    return people


def accounts(people: list[Person]) -> Iterator[AccountSeen]:
    """What the platform knows: the id of an account is its person's number."""
    for person in people:
        if person.has_account:
            keys = [_email(person.account_email), _name(person.first_name)]
            if person.account_phone is not None:
                keys.append(_phone(person.account_phone))
            yield AccountSeen(tuple(keys), str(person.number))


def purchases(people: list[Person], seed: int = 2) -> Iterator[ReceivedEvent]:
    """One to three sales of each person; the event's id begins with the person's number."""
    dice = random.Random(seed)
    for person in people:
        guest = dice.random() < GUEST
        for turn in range(dice.choice((1, 1, 2, 3))):
            keys = tuple(_given(dice, person, guest=guest))
            yield _event("Purchase", f"{person.number}.{turn}", keys, person.number)


def carts(people: list[Person]) -> Iterator[ReceivedEvent]:
    """A later visit of each person, of which only the browser is known."""
    for person in people:
        yield _event("AddToCart", f"{person.number}.cart", (_browser(person),), person.number)


def _family(dice: random.Random, first: int, size: int, sharing: Sharing) -> Iterator[Person]:
    one_phone = size > 1 and dice.random() < sharing.phone
    one_email = size > 1 and dice.random() < sharing.email
    one_browser = size > 1 and dice.random() < sharing.browser
    for number in range(first, first + size):
        own = f"p{first if one_email else number}@example.com"
        phone = f"1555{first if one_phone else number:09}"
        other = f"new{number}@example.com" if dice.random() < OTHER_EMAIL else own
        yield Person(
            number=number,
            # Names are as common as names are: the hundredth part bears the first of them.
            first_name=f"name{int(dice.random() ** 2 * 1000)}",
            email=other,
            phone=phone,
            browser=str(first if one_browser else number),
            has_account=dice.random() < ACCOUNT,
            account_email=own,
            account_phone=phone if dice.random() < ACCOUNT_PHONE else None,
        )


def _hand_on_numbers(dice: random.Random, people: list[Person]) -> None:
    """Give some people a number that still stands in a stranger's account."""
    for person in people:
        if dice.random() < SECOND_HAND:
            person.phone = dice.choice(people).phone


def _given(dice: random.Random, person: Person, *, guest: bool) -> Iterator[Key]:
    yield _email(f"typo{person.email}" if dice.random() < TYPO else person.email)
    if dice.random() < GIVES_PHONE:
        yield _phone(person.phone)
    if dice.random() < GIVES_NAME:
        nickname = dice.random() < NICKNAME
        yield _name(f"nick{person.first_name}" if nickname else person.first_name)
    if not guest:
        yield of_value(Code.external_id, f"customer{person.number}")
    yield _browser(person)


def _event(name: str, event_id: str, keys: tuple[Key, ...], number: int) -> ReceivedEvent:
    at = AT + number
    return ReceivedEvent(DATASET, "server", name, event_id, at, float(at), keys, "website")


def _email(text: str) -> Key:
    return of_value(Code.em, text)


def _phone(text: str) -> Key:
    return of_value(Code.ph, text)


def _name(text: str) -> Key:
    return of_value(Code.fn, text)


def _browser(person: Person) -> Key:
    return of_value(Code.fbp, person.browser)
