"""What every platform is told about a person, made once from the raw values and hashed.

The request that receives a raw value calls `identify`, keeps the hashes and forgets the
value. `FORMS` is the one table of spellings; `PLATFORMS` says which of them each platform
is sent. `docs/reference/identifiers.md` prints both.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import NamedTuple, TypeAlias

from msgspec import Struct, field

from tillpost.core import places, spelling
from tillpost.core.event import Keys, Raw
from tillpost.core.spelling import Code

Rows: TypeAlias = tuple[tuple[str, str], ...]
"""((form, sha256 hex), ...) of one value, the documented form first."""


class Finding(Struct, frozen=True):
    """Why a value of `field` was not used, and what to do; never holds the value itself."""

    field: str
    code: str
    message: str
    fix: str


class Normalized(Struct, frozen=True):
    """The texts Meta is sent for one value, hashed or (for ids of its own) as they are.

    The documented spelling comes first; there is at most one more. `hashed` tells that
    the value came as SHA-256, so that `values` holds the hash itself.
    """

    values: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    hashed: bool = False


class Identified(Struct, frozen=True):
    """One person's hashed match keys, the ids that are never hashed, and what was not used."""

    keys: Keys = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class Words(NamedTuple):
    """What a finding says; `{field}` is the only placeholder."""

    message: str
    fix: str


FINDINGS: Mapping[Code, Words] = {
    Code.EMPTY: Words("{field} is empty", "leave {field} out; an empty value is never hashed"),
    Code.NOT_TEXT: Words("{field} is not text", "send {field} as a string, one value each"),
    Code.TOO_LONG: Words("{field} is longer than 512 characters", "send the value alone"),
    Code.MD5: Words("{field} is an MD5 hash", "hash {field} with SHA-256, or send it raw"),
    Code.EMPTY_HASH: Words(
        "{field} is the SHA-256 of an empty text", "do not hash {field} when it is empty"
    ),
    Code.EMAIL: Words("{field} is not an e-mail address", "send name@domain.tld alone"),
    Code.PHONE: Words(
        "{field} cannot be placed in a country", "send +country code, or the country beside it"
    ),
    Code.DATE: Words("{field} is not a date from 1900 to 2099", "send {field} as YYYYMMDD"),
    Code.GENDER: Words("{field} is neither female nor male", "send f or m, or leave {field} out"),
    Code.CITY: Words("{field} has no letter", "send the name of the city"),
    Code.STATE: Words("{field} has no letter", "send the state's code or name"),
    Code.POSTCODE: Words("{field} is shorter than two characters", "send the whole postcode"),
    Code.COUNTRY: Words("{field} is not a country", "send the ISO 3166-1 alpha-2 code"),
    Code.PLACEHOLDER: Words(
        "{field} is a placeholder that many people share", "send the person's own id"
    ),
    Code.DEVICE: Words("{field} is no advertising id", "send its 32 hex digits, not all zeros"),
    Code.LEAD: Words("{field} is no lead id", "send its 15 to 17 digits"),
    Code.COOKIE: Words(
        "{field} is not a click cookie",
        "send fb.<index>.<time in ms>.<value> as the browser has it",
    ),
    Code.ADDRESS: Words("{field} is not a public address", "send the shopper's own address"),
    Code.UNKNOWN: Words("{field} is not a match key", "use the names of customer information"),
}
"""The words for every reason not to use a value."""


class Field(NamedTuple):
    """A match key: its documented spelling, and whether its values repeat between people."""

    name: str
    spell: Callable[[str, str | None], str | Code]
    shared: bool
    """Many people have the same value, so its hash may be remembered."""
    rule: str


FIELDS = (
    Field("em", spelling.email, False, "trimmed, lower case"),
    Field("ph", spelling.phone, False, "E.164 digits without the plus"),
    Field("fn", spelling.name, True, "lower case; no punctuation, no spaces"),
    Field("ln", spelling.name, True, "lower case; no punctuation, no spaces"),
    Field("db", spelling.birth_date, False, "YYYYMMDD of a real date from 1900 to 2099"),
    Field("ge", spelling.gender, True, "`f` or `m`"),
    Field("ct", spelling.city, True, "lower case; no punctuation, no spaces"),
    Field(
        "st",
        spelling.state,
        True,
        "United States: two-letter code; elsewhere lower case, no punctuation, no spaces",
    ),
    Field(
        "zp",
        spelling.postcode,
        True,
        "lower case, no spaces, no dashes; United States: first five digits",
    ),
    Field("country", spelling.country, True, "ISO 3166-1 alpha-2, lower case"),
    Field("external_id", spelling.external_id, False, "lower case, no white space"),
)
"""The match keys that are hashed, in the order of Meta's documents."""

PLAIN: Mapping[str, Callable[[str, str | None], str | Code]] = {
    "madid": spelling.device_id,
    "lead_id": spelling.lead_id,
    "client_ip_address": spelling.address,
    "fbc": spelling.click_cookie,
    "fbp": spelling.click_cookie,
} | dict.fromkeys(
    (
        "anon_id",
        "ctwa_clid",
        "fb_login_id",
        "ig_account_id",
        "ig_sid",
        "instagram_business_account_id",
        "page_id",
        "page_scoped_user_id",
        "partner_id",
        "subscription_id",
        "whatsapp_business_account_id",
    ),
    spelling.opaque,
)
"""Ids that are sent as they are, never hashed."""


class Form(NamedTuple):
    """A further spelling of some fields: (raw value, documented spelling, country) -> text.

    Rows named `meta_alt` are the second spelling Meta is sent, and come first.
    """

    name: str
    fields: tuple[str, ...]
    spell: Callable[[str, str, str | None], str]
    rule: str


FORMS = (
    Form(
        "meta_alt",
        ("fn", "ln"),
        spelling.trimmed_second,
        "trimmed, lower case; inner spaces and punctuation kept",
    ),
    Form(
        "meta_alt",
        ("ct",),
        spelling.city_second,
        "as Meta's SDKs spell it (digits dropped, some punctuation kept), "
        "else as its builder does (a-z and digits only)",
    ),
    Form(
        "meta_alt",
        ("st",),
        spelling.state_second,
        "of a spelled-out name: the code, or the name itself where `meta` is the code",
    ),
    Form("meta_alt", ("zp",), spelling.postcode_second, "cut at the dash, or with inner spaces"),
    Form("gmail", ("em",), spelling.undotted, "no dots before @gmail.com and @googlemail.com"),
    Form("untagged", ("em",), spelling.untagged, "no dots and no +tag before any @"),
    Form(
        "role",
        ("em",),
        spelling.role,
        "`role:` and the address, where it is a role's (info@, sales@) or a marketplace's; "
        "never sent: it tells that the address joins no visitors",
    ),
    Form("plus", ("ph",), spelling.plus, "E.164 with the plus"),
    Form("unspaced", ("fn", "ln"), spelling.unspaced, "lower case, no spaces, punctuation kept"),
    Form("short", ("st",), spelling.state_short, "the code wherever the name is known"),
    Form("trimmed", ("external_id",), spelling.outer_trimmed, "trimmed, case kept"),
)
"""Every spelling besides the documented one; a row counts only where it differs from that."""

_ALL = tuple(row.name for row in FIELDS)
_Slots: TypeAlias = tuple[tuple[str, ...], ...]
_META: dict[str, _Slots] = dict.fromkeys(_ALL, (("meta", "given"),))
_TWICE: dict[str, _Slots] = dict.fromkeys(
    ("fn", "ln", "ct", "st", "zp"), (("meta", "given"), ("meta_alt",))
)

PLATFORMS: Mapping[str, Mapping[str, _Slots]] = {
    "meta": _META | _TWICE,
    "tiktok": {
        "em": (("meta", "given"),),
        "ph": (("plus",),),
        "fn": (("unspaced", "meta", "given"),),
        "ln": (("unspaced", "meta", "given"),),
        "zp": (("meta", "given"),),
        "external_id": (("meta", "given"),),
    },
    "google": {
        "em": (("gmail", "meta", "given"),),
        "ph": (("plus",),),
        "fn": (("meta_alt", "meta", "given"),),
        "ln": (("meta_alt", "meta", "given"),),
    },
    "pinterest": _META
    | {
        "fn": (("meta_alt", "meta", "given"),),
        "ln": (("meta_alt", "meta", "given"),),
        "st": (("short", "meta", "given"),),
    },
    "snap": {
        "em": (("meta", "given"),),
        "ph": (("meta", "given"),),
        "fn": (("unspaced", "meta", "given"),),
        "ln": (("unspaced", "meta", "given"),),
        "ct": (("meta", "given"),),
        "st": (("short", "meta", "given"),),
        "zp": (("meta", "given"),),
        "country": (("meta", "given"),),
        "external_id": (("meta", "given"),),
    },
    "reddit": {
        "em": (("untagged", "meta", "given"),),
        "ph": (("plus",),),
        "external_id": (("trimmed", "meta", "given"),),
    },
    "linkedin": {"em": (("meta", "given"),)},
    "x": {"em": (("meta", "given"),), "ph": (("plus",),)},
    "microsoft": {"em": (("meta", "given"),), "ph": (("meta", "given"),)},
    "openai": {"em": (("meta", "given"),)},
}
"""Platform -> field -> one preference list per hash it is sent: the first form there is."""

NAMES = (*_ALL, *PLAIN)
"""Every match key that `normalize` knows, the hashed ones first."""

_FIELD = {row.name: row for row in FIELDS}
_ALTERNATIVE = {
    name: form.spell for form in FORMS if form.name == "meta_alt" for name in form.fields
}
_MAX_LENGTH = 512
_EMPTY_HASH = sha256(b"").hexdigest()
_SHA256 = re.compile(
    r"\s*([0-9a-fA-F]{64})(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?\s*", re.ASCII
)
_MD5 = re.compile(r"\s*[0-9a-fA-F]{32}(?:\.(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg))?\s*", re.ASCII)


def _finding(name: str, code: Code) -> Finding:
    words = FINDINGS[code]
    return Finding(name, code.value, words.message.format(field=name), words.fix.format(field=name))


def _text(value: object) -> str | Code:
    """A JSON value as text, if it can be an identifier at all."""
    if isinstance(value, str):
        if len(value) <= _MAX_LENGTH:
            return value if value.isascii() or _is_unicode(value) else Code.NOT_TEXT
        return Code.TOO_LONG
    if value is None:
        return Code.EMPTY
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**32:
        return str(value)
    return Code.NOT_TEXT


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _given(name: str, text: str) -> str | Code | None:
    """The hash that `text` is already, the reason not to send it, or None for a raw value."""
    found = _SHA256.fullmatch(text)
    if found:
        digest = found[1].lower()
        return Code.EMPTY_HASH if digest == _EMPTY_HASH else digest
    if name != "external_id" and _MD5.fullmatch(text):
        return Code.MD5
    return None


def normalize(field: str, value: object, country: str | None = None) -> Normalized:
    """What Meta is sent for `value` of `field`, before hashing; nothing if it is unusable.

    `country` is a code or name, the region of a phone number, state or postcode. A value
    that is hashed already is kept, in lower case and without the builder's suffix.
    """
    text = _text(value)
    row = _FIELD.get(field)
    spell = row.spell if row else PLAIN.get(field)
    if spell is None:
        return Normalized(findings=(_finding(field, Code.UNKNOWN),))
    if isinstance(text, Code):
        return Normalized(findings=(_finding(field, text),))
    given = _given(field, text) if row else None
    if isinstance(given, str):
        return Normalized((given,), hashed=True)
    region = country_code(country)
    spelled = given or spell(text, region)
    if isinstance(spelled, Code):
        return Normalized(findings=(_finding(field, spelled),))
    second = _ALTERNATIVE[field](text, spelled, region) if field in _ALTERNATIVE else ""
    return Normalized((spelled, second) if second and second != spelled else (spelled,))


def spellings(field: str, value: object, country: str | None = None) -> tuple[tuple[str, str], ...]:
    """((form, text), ...): every text that `identify` would hash for `value`.

    `normalize` says why there is none. An id that is never hashed has one, `meta`.
    """
    normal = normalize(field, value, country)
    if normal.hashed or not normal.values:
        return tuple(("given", text) for text in normal.values)
    text, meta = str(value), normal.values[0]
    rows = [("meta", meta)]
    for form in FORMS:
        if field in form.fields:
            spelled = form.spell(text, meta, country_code(country))
            if spelled and spelled != meta:
                rows.append((form.name, spelled))
    return tuple(rows)


def rule(field: str, form: str) -> str:
    """How `form` spells `field`, in words for people."""
    if form == "given":
        return "hashed by the sender: lower case, without the builder's suffix"
    if form == "meta":
        return _FIELD[field].rule if field in _FIELD else "as it is"
    return next(row.rule for row in FORMS if row.name == form and field in row.fields)


def country_code(country: str | None) -> str | None:
    """The lower-case ISO code of a country's code or name; None if none or unknown."""
    if not country or len(country) > _MAX_LENGTH:
        return None
    return places.country_code(country)


def _maker(row: Field) -> Callable[[str, str | None], Rows | Code]:
    """What makes every form of one raw or hashed value of this field."""
    name, spell = row.name, row.spell
    further = tuple((form.name, form.spell) for form in FORMS if name in form.fields)

    def make(text: str, region: str | None) -> Rows | Code:
        if not text.isascii() and not _is_unicode(text):
            return Code.NOT_TEXT
        if len(text) >= 32 and "@" not in text:
            given = _given(name, text)
            if given is not None:
                return given if isinstance(given, Code) else (("given", given),)
        meta = spell(text, region)
        if not isinstance(meta, str):
            return meta
        rows: Rows = (("meta", sha256(meta.encode()).hexdigest()),)
        for form, respell in further:
            spelled = respell(text, meta, region)
            if spelled and spelled != meta:
                rows += ((form, sha256(spelled.encode()).hexdigest()),)
        return rows

    return lru_cache(maxsize=8192)(make) if row.shared else make


_MAKE = {row.name: _maker(row) for row in FIELDS}
"""Names and places repeat between people and are remembered; e-mails, phones, ids never."""


def identify(raw: Raw, country: str | None = None) -> Identified:
    """Hash every form of every raw value, and say what was not used.

    `raw` maps match keys to values; `country` (code or name) is where phones, states and
    postcodes are read when `raw` names no country of its own. Values of one key keep
    their order; ids that are never hashed come back in `plain`, the first of each.
    """
    region = _region(raw, country)
    keys: Keys = {}
    plain: dict[str, str] = {}
    findings: list[Finding] = []
    for name, values in raw.items():
        make = _MAKE.get(name)
        if make is None:
            findings += _identify_plain(name, values, plain)
            continue
        rows: Rows = ()
        for value in values:
            made = make(value, region) if len(value) <= _MAX_LENGTH else Code.TOO_LONG
            if isinstance(made, tuple):
                rows = rows + made if rows else made
            else:
                findings.append(_finding(name, made))
        if rows:
            keys[name] = rows
    return Identified(keys, plain, tuple(findings))


def _region(raw: Raw, country: str | None) -> str | None:
    for value in raw.get("country", ()):
        own = country_code(value)
        if own:
            return own
    return country_code(country)


def _identify_plain(name: str, values: tuple[str, ...], plain: dict[str, str]) -> Iterator[Finding]:
    """Put the first usable value into `plain`; yield why others are not."""
    spell = PLAIN.get(name)
    for value in values:
        text = _text(value) if spell else Code.UNKNOWN
        spelled = text if isinstance(text, Code) or spell is None else spell(text, None)
        if isinstance(spelled, Code):
            yield _finding(name, spelled)
        else:
            plain.setdefault(name, spelled)


_STARTS = frozenset({"meta", "given"})


def _flat(slots: _Slots) -> frozenset[str] | None:
    """The forms of `slots`, if no slot prefers one form of a value to another of it."""
    if all(len(slot) == 1 or _STARTS.issuperset(slot) for slot in slots):
        return frozenset(form for slot in slots for form in slot)
    return None


_CHOICE = {
    platform: {name: (slots, _flat(slots)) for name, slots in fields.items()}
    for platform, fields in PLATFORMS.items()
}


def choose(keys: Keys, platform: str = "meta") -> dict[str, list[str]]:
    """The hashes `platform` is sent: match key -> hashes, without repeats, in order.

    A key that the platform does not take, or has no form for, is left out. An unknown
    platform is a `KeyError`.
    """
    wanted = _CHOICE[platform]
    chosen = {}
    for name, rows in keys.items():
        if name in wanted:
            slots, flat = wanted[name]
            if len(rows) == 1 and rows[0][0] in slots[0]:
                chosen[name] = [rows[0][1]]
                continue
            if flat:
                picked = [digest for form, digest in rows if form in flat]
            else:
                picked = [*_pick(rows, slots)]
            if picked:
                chosen[name] = picked if len(picked) == 1 else [*dict.fromkeys(picked)]
    return chosen


def _pick(rows: Rows, slots: _Slots) -> Iterator[str]:
    for value in _values(rows):
        for slot in slots:
            yield from islice((value[form] for form in slot if form in value), 1)


def _values(rows: Rows) -> Iterator[dict[str, str]]:
    """The forms of each value: a value begins with its documented or its given form."""
    value: dict[str, str] = {}
    for form, digest in rows:
        if form in _STARTS and value:
            yield value
            value = {}
        value[form] = digest
    yield value
