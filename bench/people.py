"""Distinct made-up people, the same for every program that is measured or compared."""

import random
from typing import Any

_ONSETS = [
    "b",
    "br",
    "c",
    "d",
    "f",
    "g",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "v",
]
_NUCLEI = ["a", "e", "i", "o", "u", "ai", "ea", "ie"]
_CODAS = ["", "", "n", "r", "l", "s", "t", "th", "ck", "nd"]
_CITIES = [
    *("New York", "Los Angeles", "Chicago", "Houston", "Phoenix", "San Diego", "Austin", "Dallas"),
    *("Fort Worth", "Columbus", "Charlotte", "Seattle", "Denver", "Boston", "El Paso", "Detroit"),
    *("Portland", "Memphis", "Baltimore", "Tucson", "Fresno", "Mesa", "Atlanta", "Omaha", "Miami"),
]
_STATES = ["NY", "CA", "IL", "TX", "AZ", "OH", "NC", "WA", "CO", "MA", "MI", "OR", "TN", "MD", "FL"]
_AREAS = [201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 303, 305, 310]
_PHONES = ["+1 ({0}) {1}-{2}", "+1{0}{1}{2}", "1-{0}-{1}-{2}", "+1 {0} {1} {2}"]
_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


def people(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """`count` purchases: raw identifiers, three items, as JSON values.

    No two people share an e-mail, a phone or an id; names and places repeat as they do.
    """
    dice = random.Random(seed)
    first = [_word(dice, 2).title() for _ in range(400)]
    last = [_word(dice, 3).title() for _ in range(3000)]
    return [_person(dice, number, dice.choice(first), dice.choice(last)) for number in range(count)]


def _word(dice: random.Random, syllables: int) -> str:
    return "".join(
        dice.choice(_ONSETS) + dice.choice(_NUCLEI) + dice.choice(_CODAS) for _ in range(syllables)
    )


def _person(dice: random.Random, number: int, first: str, last: str) -> dict[str, Any]:
    city = dice.randrange(len(_CITIES))
    phone = dice.choice(_PHONES).format(
        dice.choice(_AREAS), f"{200 + number // 10_000:03}", f"{number % 10_000:04}"
    )
    return {
        "user": {
            "em": f"{first}.{last}{number}@Example.com",
            "ph": phone,
            "fn": first,
            "ln": last,
            "db": f"{dice.randint(1945, 2005)}{dice.randint(1, 12):02}{dice.randint(1, 28):02}",
            "ge": dice.choice("fm"),
            "ct": _CITIES[city],
            "st": _STATES[city % len(_STATES)],
            "zp": f"{10_001 + 997 * city + dice.randrange(40)}",
            "country": "US",
            "external_id": str(7_000_000_000_000 + number),
            "fbp": f"fb.1.{1_760_000_000_000 + number}.{dice.randrange(2**31)}",
        },
        "ip": f"203.0.{dice.randrange(256)}.{dice.randrange(256)}",
        "agent": _AGENT,
        "fbc": f"fb.1.{1_760_000_000_000 + number}.IwAR{_word(dice, 8)}",
        "id": f"order.{number}",
        "time": 1_760_000_000 + number,
        "url": "https://shop.example/checkouts/thank-you",
        "currency": "USD",
        "value": f"{dice.randint(20, 400)}.95",
        "items": [
            [
                f"sku-{dice.randrange(900)}",
                dice.randint(1, 3),
                f"{dice.randint(500, 9999) / 100:.2f}",
            ]
            for _ in range(3)
        ],
    }
