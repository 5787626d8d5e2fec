"""By what an order finds its visitors, and a visitor its orders: never what many people share."""

from hashlib import sha256

import pytest

from tillpost.core.books import OrderRow, contacts
from tillpost.core.event import Person
from tillpost.core.identity import choose, identify, spellings
from tillpost.testing import entries as make


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def person(*emails: str, phone: str | None = None) -> Person:
    raw = {"em": emails, "ph": (phone,) if phone else ()}
    return Person(keys=identify({key: value for key, value in raw.items() if value}).keys)


@pytest.mark.parametrize(
    ("emails", "known"),
    [
        (("ada@acme.example",), "ada@acme.example"),
        (("info@acme.example",), None),
        (("Orders+4711@Acme.example",), None),
        (("x7f2@marketplace.amazon.example",), None),
        (("info.desk@acme.example",), "info.desk@acme.example"),
        (("sales@acme.example", "g.hopper+shop@gmail.com"), "g.hopper+shop@gmail.com"),
        (("g.hopper+shop@gmail.com", "ada@acme.example"), "g.hopper+shop@gmail.com"),
        (("g.hopper+shop@gmail.com", "info@acme.example"), "g.hopper+shop@gmail.com"),
        ((), None),
    ],
)
def test_the_first_address_that_is_one_persons_joins(
    emails: tuple[str, ...], known: str | None
) -> None:
    expected = [] if known is None else [("em", digest(known))]
    assert contacts(person(*emails)) == expected


def test_a_hash_that_came_as_one_joins_since_nothing_tells_whose_it_is() -> None:
    assert contacts(person(digest("info@acme.example"))) == [("em", digest("info@acme.example"))]


def test_an_offices_phone_stands_in_for_no_address_of_the_office() -> None:
    def joins(known: Person) -> list[tuple[str, str]]:
        row = OrderRow("demo", make.order(person=known, order_id="7"), 0.0, True, None, False)
        return [key for key in row.keys if key[0] in {"em", "ph"}]

    assert joins(person("info@acme.example", phone="+12125550147")) == []
    assert joins(person(phone="+12125550147")) == [("ph", digest("12125550147"))]
    both = person("ada@acme.example", phone="+12125550147")
    assert joins(both) == [("em", digest("ada@acme.example"))]


def test_a_role_is_sent_as_the_address_it_is_and_its_mark_never() -> None:
    address = "info@acme.example"
    assert ("role", f"role:{address}") in spellings("em", address)
    keys = person(address).keys
    assert choose(keys, "meta") == {"em": [digest(address)]}
    assert digest(f"role:{address}") not in str(choose(keys, "google"))
