"""Made-up people as shoppers type them: every field clean, then dirtied in known ways."""
# ruff: noqa: RUF001

import random
from typing import Any

FIRST = [
    *("Mary", "JOHN", "anna", "José", "Zoë", "Mary-Ann", "Jean Luc", "O'Neil", "J.P.", "İpek"),
    *("Łucja", "Ōe", "Straße", "김민준", "王芳", "Алексей", "محمد", " Ben ", "Anne–Marie", "Li"),
]
LAST = [
    *("Smith", "GARCÍA", "van den Berg", "O'Hara", "Smith-Jones", "Müller", "De La Cruz"),
    *("Nguyễn", "Kowalska", "Ivanov", "Smith, Jr.", "D’Angelo", "Yılmaz", "李", "Åberg"),
]
PLACES = [
    ("US", "New York", "NY", "10001-1234", "212", 7, "+1"),
    ("US", "St. Paul", "Minnesota", "55101 2345", "651", 7, "+1"),
    ("US", "Winston-Salem", "north carolina", "271011234", "336", 7, "+1"),
    ("CA", "Montréal", "Québec", "H2X 1Y4", "514", 7, "+1"),
    ("CA", "Toronto", "Ontario, Canada", "m5v-2t6", "416", 7, "+1"),
    ("GB", "London", "England", "SW1A 1AA", "020 7946", 4, "+44"),
    ("DE", "München", "Bayern", "80331", "089 1234", 4, "+49"),
    ("FR", "Paris 15", "Île-de-France", "75015", "01 42 68", 4, "+33"),
    ("JP", "東京", "東京都", "100-0001", "090 1234", 4, "+81"),
    ("AU", "Sydney", "NSW", "2000", "02 9374", 4, "+61"),
    ("BR", "São Paulo", "São Paulo", "01310-100", "11 9876", 5, "+55"),
    ("AT", "1010", "Wien", "1010", "01 5134", 4, "+43"),
]
NAMES = {"US": "United States", "GB": "UK", "DE": "Deutschland", "FR": "France", "CA": "Canada"}


def people(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """`count` people: raw values by match key, and `home`, the country they live in."""
    dice = random.Random(seed)
    return [_person(dice, number) for number in range(count)]


def _person(dice: random.Random, number: int) -> dict[str, Any]:
    country, city, state, postcode, area, digits, code = dice.choice(PLACES)
    return {
        "home": country,
        "em": _email(dice, number),
        "ph": _phone(dice, area, digits, code),
        "fn": dice.choice(FIRST),
        "ln": dice.choice(LAST),
        "db": _birthday(dice),
        "ge": dice.choice("fmFM"),
        "ct": dice.choice([city, city.upper(), f" {city} "]),
        "st": state,
        "zp": postcode,
        "country": dice.choice([country, country.lower(), NAMES.get(country, country)]),
        "external_id": dice.choice([str(7_000_000 + number), f"Cust-{number}", f" {number} "]),
    }


def _email(dice: random.Random, number: int) -> str:
    plain = f"Person.{number}@Example.com"
    odd = [f" {plain}\n", plain.upper(), f"p{number}+Shop@gmail.com", f"p {number}@example.com"]
    return dice.choice([plain] * 6 + [*odd, f"p{number}@@example.com", f"jörg{number}@exämple.de"])


def _phone(dice: random.Random, area: str, digits: int, code: str) -> str:
    local = str(dice.randint(2 * 10 ** (digits - 1), 10**digits - 1))
    significant = area.lstrip("0")
    shapes = [
        f"{code} {significant} {local}",
        f"{code}{significant}{local}".replace(" ", ""),
        f"00{code[1:]} {significant} {local}",
        f"{code} (0){significant} {local}" if code != "+1" else f"1 {area} {local}",
        f"{area} {local}",
        f"{area}.{local}",
        f"{code} {significant} {local} ext 12",
    ]
    return dice.choice(shapes)


def _birthday(dice: random.Random) -> str:
    year, month, day = dice.randint(1930, 2010), dice.randint(1, 12), dice.randint(1, 28)
    iso, plain = f"{year}-{month:02}-{day:02}", f"{year}{month:02}{day:02}"
    return dice.choice([plain, plain, iso, f"{month}/{day}/{year}", f"{year}-02-30"])
