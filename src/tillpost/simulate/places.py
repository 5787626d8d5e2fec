"""Tables the people are made of: countries, cities, names, browsers.

E-mail domains are reserved ones and North American numbers lie in the range kept for
fiction, so that no real person can be meant; other countries have no such range that
is large enough, so their numbers are merely well-formed.
"""

from decimal import Decimal
from typing import NamedTuple


class City(NamedTuple):
    """A city with the region and postcode that go with it."""

    name: str
    region: str
    region_code: str
    zip: str


class Country(NamedTuple):
    """Where people live, how they write phone numbers, what tax is in the price.

    `prefix` and `digits` make a mobile number: the prefix, then so many digits.
    """

    code: str
    name: str
    currency: str
    eea: bool
    tax: Decimal
    dial: str
    trunk: str
    prefix: str
    digits: int
    locale: str
    cities: tuple[City, ...]


_AREA_CODES = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 "
    "234 239 240 248 251 252 253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 "
    "308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 334 336 337 339 347 351 "
    "352 360 361 385 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 "
    "425 432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 "
    "515 516 517 518 520 530 540 541 551 559 561 562 563 567 570 571 573 574 575 580 585 586 "
    "601 602 603 605 606 607 608 609 610 612 614 615 616 617 618 619 620 623 626 630 631 636 "
    "641 646 650 651 660 661 662 678 682 701 702 703 704 706 707 708 712 713 714 715 716 717 "
    "718 719 720 724 727 731 732 734 740 754 757 760 763 765 770 772 773 774 775 781 785 786 "
    "801 802 803 804 805 806 808 810 812 813 814 815 816 817 818 828 830 831 832 843 845 847 "
    "848 850 856 857 858 859 860 862 863 864 865 870 901 903 904 906 907 908 909 910 912 913 "
    "914 915 916 917 918 919 920 925 928 931 936 937 940 941 947 949 951 952 954 956 970 971 "
    "972 973 978 979 980 985 989"
)
AREA_CODES = tuple(_AREA_CODES.split(" "))

UNITED_STATES = Country(
    "US", "United States", "USD", False, Decimal("0.07"), "1", "", "", 0, "en-US",
    (
        City("New York", "New York", "NY", "10001"),
        City("Los Angeles", "California", "CA", "90012"),
        City("San Francisco", "California", "CA", "94103-1234"),
        City("Chicago", "Illinois", "IL", "60601"),
        City("Austin", "Texas", "TX", "78701"),
        City("Denver", "Colorado", "CO", "80202"),
        City("St. Louis", "Missouri", "MO", "63101"),
        City("Portland", "Oregon", "OR", "97201"),
        City("Boise", "Idaho", "ID", "83702"),
        City("Miami", "Florida", "FL", "33101"),
    ),
)  # fmt: skip

EEA = (
    Country(
        "DE", "Germany", "EUR", True, Decimal("0.19"), "49", "0", "1512", 7, "de-DE",
        (
            City("München", "Bayern", "BY", "80331"),
            City("Köln", "Nordrhein-Westfalen", "NW", "50667"),
        ),
    ),
    Country(
        "FR", "France", "EUR", True, Decimal("0.20"), "33", "0", "612", 6, "fr-FR",
        (
            City("Paris", "Île-de-France", "IDF", "75011"),
            City("Saint-Étienne", "Auvergne-Rhône-Alpes", "ARA", "42000"),
        ),
    ),
    Country(
        "NL", "Netherlands", "EUR", True, Decimal("0.21"), "31", "0", "612", 6, "nl-NL",
        (City("'s-Hertogenbosch", "Noord-Brabant", "NB", "5211 AA"),),
    ),
    Country(
        "ES", "Spain", "EUR", True, Decimal("0.21"), "34", "", "612", 6, "es-ES",
        (City("Sevilla", "Andalucía", "AN", "41001"), City("Madrid", "Madrid", "M", "28013")),
    ),
    Country(
        "SE", "Sweden", "SEK", True, Decimal("0.25"), "46", "0", "70", 7, "sv-SE",
        (City("Göteborg", "Västra Götaland", "O", "411 03"),),
    ),
)  # fmt: skip

ELSEWHERE = (
    (UNITED_STATES, 0.70),
    (
        Country(
            "CA", "Canada", "CAD", False, Decimal("0.13"), "1", "", "", 0, "en-CA",
            (City("Toronto", "Ontario", "ON", "M5V 2T6"),),
        ),
        0.09,
    ),
    (
        Country(
            "GB", "United Kingdom", "GBP", False, Decimal("0.20"), "44", "0", "7911", 6, "en-GB",
            (
                City("London", "England", "ENG", "EC1A 1BB"),
                City("Glasgow", "Scotland", "SCT", "G1 1XQ"),
            ),
        ),
        0.08,
    ),
    (
        Country(
            "AU", "Australia", "AUD", False, Decimal("0.10"), "61", "0", "491", 6, "en-AU",
            (City("Sydney", "New South Wales", "NSW", "2000"),),
        ),
        0.05,
    ),
    (
        Country(
            "JP", "Japan", "JPY", False, Decimal("0.10"), "81", "0", "901", 7, "ja-JP",
            (City("Tokyo", "Tōkyō", "JP-13", "100-0001"),),
        ),
        0.05,
    ),
    (
        Country(
            "KW", "Kuwait", "KWD", False, Decimal("0.00"), "965", "", "500", 5, "en-KW",
            (City("Kuwait City", "Al Asimah", "KW-KU", "13001"),),
        ),
        0.03,
    ),
)  # fmt: skip

RATES = {
    "USD": Decimal(1),
    "EUR": Decimal("0.9200"),
    "GBP": Decimal("0.7900"),
    "CAD": Decimal("1.3700"),
    "AUD": Decimal("1.5200"),
    "SEK": Decimal("10.6100"),
    "JPY": Decimal("151.2000"),
    "KWD": Decimal("0.3070"),
}
"""How much of each currency one dollar of the shop buys."""

EXPONENTS = {"JPY": 0, "KWD": 3}
"""Minor digits where they are not two."""

TRAVELLERS = ("EUR", "GBP", "JPY", "KWD", "CAD")
"""What a shopper from home pays in who pays in another currency."""

_FIRST = (
    "Anna|Mary|José|Valéry|Liam|Olivia|Noah|Emma|Ava|Zoë|Björn|François|Aisha|Chloé|Mateo|"
    "Sofía|Jürgen|Mei|Hiro|Fatima|Omar|Ingrid|Seán|Renée|Luca|Grace|Ethan|Mia|Lucía|Håkan|"
    "Nadia|Paul|Jean-Luc|Mary-Ann|Dwayne|Priya|Arjun|Elena|Tomás|Ruth"
)
FIRST = tuple(_FIRST.split("|"))
_LAST = (
    "Smith|Johnson|O'Brien|García|Müller|van der Berg|Nguyen|Brown|Dubois|Svensson|Tanaka|"
    "Al-Sabah|Martínez|Lefèvre|D'Angelo|Schäfer|Jones|Williams|de la Cruz|Taylor|Kowalski|"
    "Fernández|Wilson|Björk|Suzuki|Evans|Meyer|Moreau|St. John|Clark|Rossi|Hansen|López-Ruiz|"
    "Baker|Walker|Ferreira|Novak|Patel|Kim|Silva"
)
LAST = tuple(_LAST.split("|"))
DOMAINS = ("example.com", "example.org", "example.net", "mail.example.com")
STREETS = ("Main Street", "Elm Street", "Market Square", "Harbour Road", "Mill Lane", "High Street")

USER_AGENTS = {
    ("phone", True): (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
        " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
    ),
    ("phone", False): (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36"
        " (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36"
    ),
    ("desktop", True): (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
        " (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
    ),
    ("desktop", False): (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
        " (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
    ),
    ("in_app", False): (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
        " (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/522.0.0.31.85;FBDV/iPhone15,2]"
    ),
}
BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    (
        "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36"
        " (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse"
    ),
    (
        "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " HeadlessChrome/138.0.0.0 Safari/537.36"
    ),
)
