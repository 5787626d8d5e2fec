"""May this event go to an advertising platform: send, limited, hold or suppress.

The answer is one table of rows; the first that applies decides. Where nobody was asked, the
law of the place does (domain rule 20): the EEA, the United Kingdom and Switzerland hold and
then suppress, US states with a law limit data use, elsewhere the event is sent. Hashed
identifiers are personal data like any other: no row sends them where a denial stands.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from tillpost.core.consent_strings import (
    TCF_SECTION,
    VENDORS,
    Tcf,
    decode_additional,
    decode_gpp,
    decode_tcf,
    opted_out,
)
from tillpost.core.event import Consent, Place
from tillpost.core.limits import LDU_CODES
from tillpost.core.outcome import Reason

Verdict: TypeAlias = Literal["send", "limited", "hold", "suppress"]
Zone: TypeAlias = Literal["opt_in", "ldu", "us", "no_ldu", "elsewhere"]
Answer: TypeAlias = Literal["yes", "no", "unknown"]

POLICIES: Final = ("region", "send", "limited", "hold", "suppress")
"""What `[shops.consent] unknown` may be: `region` follows the law of the place."""

OPT_IN: Final = frozenset(
    """
    AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK
    IS LI NO
    AX GF GP MF MQ RE YT
    GB CH
    """.split()  # noqa: SIM905 - the EU, the rest of the EEA, EU territories with own codes, UK, CH
)
"""Countries whose law asks for a consent first, by ISO 3166-1 code."""

LAW_WITHOUT_LDU: Final = frozenset({"IA", "IN", "KY", "TN", "UT", "VA"})
"""US states with an opt-out law in force in which Limited Data Use takes no effect."""

ADVERTISING_PURPOSES: Final = frozenset({1, 3, 4, 7})
"""TCF: store on a device, build profiles for ads, use them, measure ads."""

ANALYTICS_PURPOSES: Final = frozenset({1, 8})
"""TCF: store on a device, measure content."""


class Row(NamedTuple):
    """One row of the truth table; `any` fits everything.

    `unasked` rows stand for silence: there the owner's own policy replaces the verdict.
    """

    zone: Zone | Literal["any"]
    marketing: Answer | Literal["any"]
    sale: Answer | Literal["any"]
    verdict: Verdict
    reason: Reason | None
    because: str
    unasked: bool = False


TABLE: Final = (
    Row("any", "no", "any", "suppress", Reason.CONSENT_DENIED, "the shopper said no"),
    Row(
        "no_ldu",
        "any",
        "no",
        "suppress",
        Reason.CONSENT_DENIED,
        "opted out under a law whose state Limited Data Use does not know",
    ),
    Row(
        "opt_in",
        "unknown",
        "any",
        "hold",
        Reason.AWAITING_CONSENT,
        "the law asks for a consent first; the hold ends in suppress",
        unasked=True,
    ),
    Row("any", "any", "no", "limited", None, "opted out of the sale of data"),
    Row("any", "yes", "any", "send", None, "the shopper said yes"),
    Row("any", "any", "yes", "send", None, "asked, and did not opt out"),
    Row("ldu", "any", "any", "limited", None, "a law, and nobody asked", unasked=True),
    Row("us", "any", "any", "limited", None, "a state unknown may have a law", unasked=True),
    Row("any", "any", "any", "send", None, "no law asks", unasked=True),
)
"""The truth table: the first row that fits decides."""


class Decision(Struct, frozen=True):
    """What may be done with one event, and the Limited Data Use fields it then carries.

    `country` and `state` are Meta's numbers: 0 and 0 leave the place to its geolocation.
    """

    verdict: Verdict
    reason: Reason | None = None
    data_processing_options: tuple[str, ...] | None = None
    country: int | None = None
    state: int | None = None


def zone_of(place: Place) -> Zone:
    """Which law holds: opt-in, a US state's with or without Limited Data Use, or none."""
    if place.country in OPT_IN:
        return "opt_in"
    if place.country != "US":
        return "elsewhere"
    if place.region is None:
        return "us"
    if place.region in LDU_CODES:
        return "ldu"
    return "no_ldu" if place.region in LAW_WITHOUT_LDU else "elsewhere"


def decide(
    consent: Consent | None, place: Place, *, unknown: str = "region", has_ip: bool
) -> Decision:
    """May the event go to an advertising platform?

    `unknown` is the owner's policy where nobody was asked, one of `POLICIES`; `has_ip` says
    that the event carries an address by which the platform can tell the state.
    """
    marketing = _answer(consent.marketing if consent else None)
    sale = _answer(consent.sale_of_data if consent else None)
    row = _row(zone_of(place), marketing, sale, unknown)
    owner = row.unasked and unknown != "region"
    verdict: str = unknown if owner else row.verdict
    if verdict == "limited":
        denied = Reason.CONSENT_DENIED if sale == "no" else Reason.CONSENT_UNKNOWN
        return _limited(place, denied, has_ip=has_ip)
    if verdict == "suppress":
        return Decision("suppress", Reason.CONSENT_UNKNOWN if owner else row.reason)
    if verdict == "hold":
        return Decision("hold", Reason.AWAITING_CONSENT)
    return Decision("send")


def _answer(flag: bool | None) -> Answer:  # noqa: FBT001
    return "unknown" if flag is None else "yes" if flag else "no"


def _row(zone: Zone, marketing: Answer, sale: Answer, unknown: str) -> Row:
    lenient = unknown in {"send", "limited"}
    return next(
        row
        for row in TABLE
        if row.zone in {zone, "any"}
        and row.marketing in {marketing, "any"}
        and row.sale in {sale, "any"}
        and not (lenient and row.verdict == "hold")
    )


def _limited(place: Place, denied: Reason, *, has_ip: bool) -> Decision:
    if has_ip:
        return Decision("limited", None, ("LDU",), 0, 0)
    code = LDU_CODES.get(place.region or "") if place.country == "US" else None
    if code is None:
        return Decision("suppress", denied)
    return Decision("limited", None, ("LDU",), 1, code)


_SHOPIFY: Final = {
    "marketing": ("marketing", "marketingAllowed"),
    "analytics": ("analytics", "analyticsProcessingAllowed"),
    "sale_of_data": ("sale_of_data", "saleOfDataAllowed"),
}


def from_shopify(flags: Mapping[str, object], at: int) -> Consent | None:
    """The consent of Shopify's customer privacy booleans, by their names in either API.

    None where no flag is a boolean. `at` is Unix seconds.
    """
    found = {
        field: flag
        for field, names in _SHOPIFY.items()
        for name in names
        if isinstance(flag := flags.get(name), bool)
    }
    return Consent(**found, source="shopify", at=at) if found else None


def from_tcf(
    text: str, at: int, additional: str | None = None, platform: str = "meta"
) -> Consent | None:
    """The consent of a TC string, with the Additional Consent string where there is one.

    Marketing needs purposes 1, 3, 4 and 7, and the platform itself where one of the strings
    can name it. None where the TC string cannot be read.
    """
    tcf = decode_tcf(text)
    if tcf is None:
        return None
    named = _names(platform, tcf, additional)
    return Consent(
        marketing=tcf.purposes >= ADVERTISING_PURPOSES and named,
        analytics=tcf.purposes >= ANALYTICS_PURPOSES,
        source="tcf",
        at=at,
    )


def _names(platform: str, tcf: Tcf, additional: str | None) -> bool:
    vendor = next((vendor for vendor in VENDORS if vendor.name == platform), None)
    if vendor is None:
        return True
    if vendor.tcf is not None:
        return tcf.allows(vendor.tcf)
    if additional is None:
        return True
    return vendor.additional in (decode_additional(additional) or ())


def from_gpp(text: str, at: int) -> Consent | None:
    """The consent of a GPP string: its US sections and its TCF section; None if unreadable.

    One opt-out among several sections is enough.
    """
    sections = decode_gpp(text)
    if sections is None:
        return None
    choices = [opted_out(number, body) for number, body in sections.items()]
    sold = False if True in choices else True if False in choices else None
    tcf = from_tcf(sections[TCF_SECTION], at) if TCF_SECTION in sections else None
    if sold is None and tcf is None:
        return None
    return Consent(
        marketing=tcf.marketing if tcf else None,
        analytics=tcf.analytics if tcf else None,
        sale_of_data=sold,
        source="gpp",
        at=at,
    )


def from_gpc(header: str | None, at: int) -> Consent | None:
    """The consent of a `Sec-GPC` header: `1` opts out of the sale of data, else None."""
    if header is None or header.strip() != "1":
        return None
    return Consent(sale_of_data=False, source="gpc", at=at)


def strictest(*consents: Consent | None) -> Consent | None:
    """What all of them allow: a no outweighs a yes, a yes outweighs silence; None if none spoke."""
    spoken = [consent for consent in consents if consent is not None]
    if not spoken:
        return None
    return Consent(
        marketing=_strict([c.marketing for c in spoken]),
        analytics=_strict([c.analytics for c in spoken]),
        sale_of_data=_strict([c.sale_of_data for c in spoken]),
        source="+".join(dict.fromkeys(c.source for c in spoken if c.source)),
        at=max(c.at for c in spoken),
    )


def _strict(flags: list[bool | None]) -> bool | None:
    return False if False in flags else True if True in flags else None
