"""Values as people read them: money with its symbol, times in the shop's zone, shares, counts."""

from datetime import datetime, tzinfo
from decimal import Decimal

SYMBOLS: dict[str, str] = {
    "AUD": "A$",
    "BRL": "R$",
    "CAD": "CA$",
    "CNY": "CN¥",
    "EUR": "€",
    "GBP": "£",
    "HKD": "HK$",
    "ILS": "₪",
    "INR": "₹",
    "JPY": "¥",
    "KRW": "₩",
    "MXN": "MX$",
    "NZD": "NZ$",
    "PHP": "₱",
    "TWD": "NT$",
    "USD": "$",
    "VND": "₫",
}
"""Symbols of currencies in English text (Unicode CLDR, locale en); others show their code."""

MATCH_KEYS: dict[str, str] = {
    "em": "e-mail",
    "ph": "phone",
    "fn": "first name",
    "ln": "last name",
    "ge": "gender",
    "db": "birthday",
    "ct": "city",
    "st": "state",
    "zp": "postcode",
    "country": "country",
    "external_id": "customer id",
    "fbc": "click id",
    "fbp": "browser id",
    "client_ip_address": "IP address",
    "client_user_agent": "user agent",
}
"""What Meta's match keys are called (meta-capi, customer information parameters)."""

_SPANS = (
    (60_000, 1000, "s", 1),
    (3_600_000, 60_000, "min", 0),
    (86_400_000, 3_600_000, "h", 0),
)
"""(below so many ms, ms a unit, unit, decimals)."""

NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""


def money(amount: str | None, currency: str) -> str:
    """A decimal string with its symbol or code: `$1,234.50`, `¥1,200`, `KWD 1.250`."""
    if amount is None:
        return NOTHING
    number = Decimal(amount)
    sign = "\N{MINUS SIGN}" if number < 0 else ""
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{sign}{symbol}{abs(number):,}"


def whole(number: float | None) -> str:
    """A count with its thousands set apart; shares of orders keep one decimal."""
    if number is None:
        return NOTHING
    return f"{number:,}" if number == int(number) else f"{number:,.1f}"


def share(part: float | None) -> str:
    """A part of one as per cent with one decimal: `0.9634` gives `96.3%`."""
    return NOTHING if part is None else f"{part * 100:.1f}%"


def change(part: float | None) -> str:
    """A change as per cent with its sign: `0.123` gives `+12.3%`, with a true minus sign."""
    if part is None:
        return NOTHING
    sign = "+" if part >= 0 else "\N{MINUS SIGN}"
    return f"{sign}{abs(part) * 100:,.1f}%"


def times(ratio: float | None) -> str:
    """A ratio of money to money with two decimals: `3.27x`, with a true times sign."""
    return NOTHING if ratio is None else f"{ratio:,.2f}\N{MULTIPLICATION SIGN}"


def seconds(milliseconds: int | None) -> str:
    """A span as people say it: `412 ms`, `2.3 s`, `4 min`, `3 h`, `2 d`."""
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1:
        return "under 1 ms"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    for below, size, unit, places in _SPANS:
        if milliseconds < below:
            return f"{milliseconds / size:.{places}f} {unit}"
    return f"{milliseconds / 86_400_000:.0f} d"


def moment(text: str | None, zone: tzinfo, today: str) -> str:
    """An ISO time in the zone: `09:41` of today, else `22 Nov, 09:41`."""
    if text is None:
        return NOTHING
    local = datetime.fromisoformat(text).astimezone(zone)
    clock = local.strftime("%H:%M")
    return clock if local.date().isoformat() == today else f"{local.day} {local:%b}, {clock}"


def day(text: str) -> str:
    """An ISO day: `Sun 22 Nov`."""
    date = datetime.fromisoformat(text)
    return f"{date:%a} {date.day} {date:%b}"


def words(name: str) -> str:
    """A reason or state as words: `no_match_keys` gives `no match keys`."""
    return name.replace("_", " ")


def key_name(name: str) -> str:
    """What a match key is called."""
    return MATCH_KEYS.get(name, words(name))
