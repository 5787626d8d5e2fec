"""Meta's limits in tables: Limited Data Use, currencies, ages and sizes, codes beyond judging.

Evidence tags as in `core.vocabulary`.
"""

from typing import Final

from msgspec import Struct


class LduState(Struct, frozen=True):
    """A state in which Limited Data Use takes effect: its code, and Meta's number for it."""

    region: str
    code: int
    name: str


class Subcode(Struct, frozen=True):
    """A subcode that only Meta can give: what is known of its cause."""

    subcode: int
    cause: str
    evidence: str


LDU_STATES: Final = (
    LduState("CA", 1000, "California"),
    LduState("CO", 1001, "Colorado"),
    LduState("CT", 1002, "Connecticut"),
    LduState("FL", 1003, "Florida"),
    LduState("OR", 1004, "Oregon"),
    LduState("TX", 1005, "Texas"),
    LduState("MT", 1006, "Montana"),
    LduState("DE", 1007, "Delaware"),
    LduState("NE", 1008, "Nebraska"),
    LduState("NH", 1009, "New Hampshire"),
    LduState("NJ", 1010, "New Jersey"),
    LduState("MN", 1011, "Minnesota"),
    LduState("MD", 1012, "Maryland"),
    LduState("RI", 1013, "Rhode Island"),
)

LDU_CODES: Final = {row.region: row.code for row in LDU_STATES}

LDU_NUMBERS: Final = frozenset({0, *(row.code for row in LDU_STATES)})

CURRENCIES: Final = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL
    BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP
    ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS
    INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR
    NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
    SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
    UYU UZS VES VND VUV WST XAF XCD XOF XPF XCG YER ZAR ZMW ZWG
    """.split()  # noqa: SIM905 - one code a line would fill three pages
)
"""Currencies that a Purchase may carry: ISO 4217 in circulation, less MRU, which the live
endpoint refuses (O). Meta prints no list for this endpoint; the rest is I."""

EVENT_LIMIT: Final = 1000
"""Most events in one request (D)."""

AGE_LIMIT: Final = 7 * 86_400
"""Seconds an event may be old (D, O)."""

STORE_AGE_LIMIT: Final = 62 * 86_400
"""Seconds a `physical_store` event may be old (D)."""

FUTURE_TOLERANCE: Final = 600
"""Seconds an event may lie ahead of the receiver's clock (I: Meta publishes none)."""

APPEND_LIMIT: Final = 48 * 3600
"""Seconds after the original event in which AppendAttribution must arrive (D)."""

CLICK_AGE_LIMIT: Final = 90 * 86_400
"""Seconds a `fbc` may be old: the lifetime of the `_fbc` cookie (D for the cookie)."""

CUSTOM_NAME_LIMIT: Final = 50
"""Most characters of a custom event's name in the pixel (I)."""

PARTNER_AGENT_LIMIT: Final = 22
"""Most characters of `partner_agent` (D)."""

UNJUDGED: Final = (
    Subcode(2804001, "not known; treated as permanent by other senders", "O"),
    Subcode(2804007, "not known; treated as permanent by other senders", "O"),
    Subcode(2804016, "not known; treated as permanent by other senders", "O"),
    Subcode(2804017, "not known; treated as permanent by other senders", "O"),
    Subcode(2804019, "contradictory: a missing parameter, an old event, or a wrong ctwa_clid", "O"),
    Subcode(2804030, "no Limited Data Use choice (the offline endpoint in 2020)", "O"),
    Subcode(2804048, "not known; treated as permanent by other senders", "O"),
    Subcode(2804072, "page_id is not the Page of the ad behind ctwa_clid", "O"),
    Subcode(2804087, "ctwa_clid is not a real click", "O"),
)
"""Subcodes that cannot be judged from the payload alone; only the platform can give them."""
