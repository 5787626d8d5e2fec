"""People: who they truly are, what their account at the ad platform holds, what they type."""

from hashlib import sha256
from unicodedata import combining, normalize

from msgspec import Struct

from tillpost.simulate.dice import Dice
from tillpost.simulate.knobs import Knobs
from tillpost.simulate.places import (
    AREA_CODES,
    DOMAINS,
    EEA,
    ELSEWHERE,
    FIRST,
    LAST,
    STREETS,
    City,
    Country,
)


class Person(Struct, frozen=True):
    """One human being in canonical spelling; `phone` is E.164 without the plus."""

    id: str
    index: int
    first: str
    last: str
    email: str
    other_email: str
    phone: str
    national: str
    country: Country
    city: City
    street: str
    account: bool
    consent: str
    """granted, denied or unanswered where consent is asked; else not_asked."""
    opted_out: bool


class Typed(Struct, frozen=True):
    """What the person wrote at one checkout, and the plain facts behind it.

    `email_fact` and `phone_fact` are what a careful reader would make of the typing.
    """

    email: str
    email_fact: str
    phone: str | None
    phone_fact: str | None
    first: str
    last: str


def hashed(text: str) -> str:
    """The SHA-256 of a canonical value as 64 lower-case hexadecimal digits."""
    return sha256(text.encode()).hexdigest()


def customer_id(email: str) -> int:
    """The shop's customer id; Shopify keeps one customer for one e-mail address."""
    return 7_000_000_000_000 + int(hashed(email.strip().lower())[:10], 16)


def person(dice: Dice, knobs: Knobs, index: int) -> Person:
    """The person with this number; nobody else's draws touch hers."""
    country = _country(dice, knobs, index)
    first, last = dice.pick(FIRST, "first", index), dice.pick(LAST, "last", index)
    family = index > 0 and dice.chance(knobs.family, "family", index)
    # A family lives in one country; its number is that of the one before.
    shared = family and _country(dice, knobs, index - 1) == country
    phone, national = _phone(country, index - shared)
    return Person(
        id=f"p{index:07d}",
        index=index,
        first=first,
        last=last,
        email=_email(dice, first, last, index),
        other_email=f"{_ascii(last)}{index}.{_ascii(first)[:1]}@inbox.example",
        phone=phone,
        national=national,
        country=country,
        city=dice.pick(country.cities, "city", index),
        street=f"{dice.whole(1, 199, 'house', index)} {dice.pick(STREETS, 'street', index)}",
        account=dice.chance(knobs.account, "account", index),
        consent=_consent(dice, knobs, country, index),
        opted_out=country.code == "US" and dice.chance(knobs.opt_out, "opt-out", index),
    )


def account_keys(who: Person) -> dict[str, str]:
    """What the platform's account holds, hashed as the platform documents it."""
    plain = {
        "em": who.email,
        "ph": who.phone,
        "fn": _letters(who.first),
        "ln": _letters(who.last),
        "ct": _letters(who.city.name),
        "st": (who.city.region_code if who.country.code == "US" else _letters(who.city.region)),
        "zp": who.city.zip.replace(" ", "").split("-")[0],
        "country": who.country.code,
    }
    return {key: hashed(value.lower()) for key, value in plain.items()}


def typed(dice: Dice, knobs: Knobs, who: Person, order: int) -> Typed:
    """What the person types at this checkout, untidy as people are."""
    other = dice.chance(knobs.other_email, "other-email", order)
    fact = who.other_email if other else who.email
    if dice.chance(knobs.typo, "typo", order):
        fact = fact.replace("example", "exmaple")
    email = dice.pick((fact, fact, fact, fact.title(), fact.upper(), f"{fact} "), "case", order)
    phone = None
    if dice.chance(knobs.phone, "phone", order):
        local = dice.chance(knobs.national, "national", order) and who.national
        phone = str(local or dice.pick(_INTERNATIONAL, "written", order).format(who.phone))
    return Typed(
        email=email,
        email_fact=fact,
        phone=phone,
        phone_fact=who.phone if phone else None,
        first=dice.pick((who.first, who.first, who.first.lower(), f" {who.first}"), "fn", order),
        last=dice.pick((who.last, who.last, who.last.upper(), f"{who.last} "), "ln", order),
    )


_INTERNATIONAL = ("+{}", "00{}", "+ {}")


def _country(dice: Dice, knobs: Knobs, index: int) -> Country:
    if dice.chance(knobs.eea, "eea", index):
        return dice.pick(EEA, "eea-country", index)
    return dice.weighted(ELSEWHERE, "country", index)


def _consent(dice: Dice, knobs: Knobs, country: Country, index: int) -> str:
    if not (country.eea or country.code == "GB"):
        return "not_asked"
    draw = dice.u("consent", index)
    if draw < knobs.denied:
        return "denied"
    return "unanswered" if draw < knobs.denied + knobs.unanswered else "granted"


def _phone(country: Country, number: int) -> tuple[str, str]:
    if country.dial == "1":
        area = AREA_CODES[number % len(AREA_CODES)]
        line = f"{100 + number // len(AREA_CODES) % 100:04d}"
        # Past the range of fiction the exchange moves, or two people would share a number.
        exchange = 555 - number // (len(AREA_CODES) * 100)
        return f"1{area}{exchange}{line}", f"({area}) {exchange}-{line}"
    digits = f"{country.prefix}{number % 10**country.digits:0{country.digits}d}"
    return country.dial + digits, f"{country.trunk}{digits[:3]} {digits[3:6]} {digits[6:]}"


def _email(dice: Dice, first: str, last: str, index: int) -> str:
    return f"{_ascii(first)}.{_ascii(last)}{index}@{dice.pick(DOMAINS, 'domain', index)}"


def _ascii(text: str) -> str:
    plain = "".join(c for c in normalize("NFD", text) if not combining(c))
    return "".join(c for c in plain.lower() if c.isascii() and c.isalnum())


def _letters(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())
