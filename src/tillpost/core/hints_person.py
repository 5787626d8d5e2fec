"""What Meta takes but quietly loses: rows about `user_data`, the keys that people are matched by.

A refused request is seen at once; a key that never matches is seen by nobody. These rows warn.
"""

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from tillpost.core.limits import CLICK_AGE_LIMIT
from tillpost.core.refusals import FBC, FBP, IP_SHAPE
from tillpost.core.rule import (
    EMPTY_SHA256,
    NONE,
    Hit,
    Rule,
    View,
    absent,
    hits,
    is_sha256,
    nearest,
    unknown,
)
from tillpost.core.vocabulary import USER_ALIASES, USER_KEY, USER_KEYS

PLACEHOLDERS: Final = (
    " ",
    "null",
    "none",
    "undefined",
    "nan",
    "n/a",
    "na",
    "unknown",
    "[object object]",
    "false",
    "0",
)
"""Texts that stand for nothing; their hashes are one "person" whom thousands share."""

BOTS: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|phantomjs|lighthouse|facebookexternalhit|"
    r"fbbizsdk|python|curl/|wget/|go-http-client|node-fetch|axios/|okhttp|java/|scrapy|guzzle",
    re.IGNORECASE,
)
"""User agents that are no shopper's browser."""

_HASHED: Final = tuple(row.name for row in USER_KEYS if row.hashing == "required")
_PLAIN: Final = tuple(row.name for row in USER_KEYS if row.hashing == "never")
_SINGLE: Final = tuple(row.name for row in USER_KEYS if not row.many)
_PLACEHOLDER_HASHES: Final = frozenset(sha256(t.encode()).hexdigest() for t in PLACEHOLDERS)
_OTHER_HASH: Final = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{128}")
_PARTS: Final = re.compile(r"fb\.[0-9]\.([0-9]{10,13})\.([^.\s]+)")
_ALTERED: Final = re.compile(r"[%\"'<>&=?#,;]")
_BUILDER_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9_-]{8}\Z")


def _each(v: View, keys: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    for key in keys:
        value = v.user.get(key)
        if isinstance(value, list):
            yield from (
                (f"user_data.{key}[{i}]", item) for i, item in enumerate(value) if not absent(item)
            )
        elif not absent(value):
            yield f"user_data.{key}", value


def _where(v: View, keys: tuple[str, ...], broken: Callable[[str], bool]) -> tuple[Hit, ...]:
    return tuple(
        Hit(path) for path, item in _each(v, keys) if isinstance(item, str) and broken(item)
    )


def _unhashed(v: View) -> tuple[Hit, ...]:
    return _where(
        v, _HASHED, lambda s: not is_sha256(s) and _OTHER_HASH.fullmatch(s.strip()) is None
    )


def _other_hash(v: View) -> tuple[Hit, ...]:
    return _where(v, _HASHED, lambda s: _OTHER_HASH.fullmatch(s.strip()) is not None)


def _empty_hash(v: View) -> tuple[Hit, ...]:
    return _where(v, (*_HASHED, "external_id"), lambda s: s[:64].lower() == EMPTY_SHA256)


def _placeholder_hash(v: View) -> tuple[Hit, ...]:
    return _where(v, (*_HASHED, "external_id"), lambda s: s[:64].lower() in _PLACEHOLDER_HASHES)


def _upper_hash(v: View) -> tuple[Hit, ...]:
    return _where(v, (*_HASHED, "external_id"), lambda s: is_sha256(s) and s[:64] != s[:64].lower())


def _hashed_plain(v: View) -> tuple[Hit, ...]:
    return _where(v, _PLAIN, is_sha256)


def _wrong_type(v: View) -> tuple[Hit, ...]:
    texts = tuple(Hit(path) for path, item in _each(v, _HASHED) if not isinstance(item, str))
    others = tuple(
        Hit(path)
        for path, item in _each(v, ("external_id", *_PLAIN))
        if isinstance(item, (bool, dict, list, float))
    )
    return texts + others


def _list(v: View) -> tuple[Hit, ...]:
    return tuple(Hit(f"user_data.{key}") for key in _SINGLE if isinstance(v.user.get(key), list))


def _blank(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(f"user_data.{key}")
        for key in USER_KEY
        if (value := v.user.get(key)) is not None
        and (absent(value) or (isinstance(value, list) and all(absent(item) for item in value)))
    )


def _unknown(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(path, f"Nearest known key: {near}." if near else "")
        for key, path in unknown(v.user, USER_KEY, "user_data.")
        for near in (USER_ALIASES.get(key) or nearest(key, USER_KEY),)
    )


def _personal_id(v: View) -> tuple[Hit, ...]:
    return _where(v, ("external_id",), lambda s: "@" in s)


def _address(v: View) -> IPv4Address | IPv6Address | None:
    text = v.user.get("client_ip_address")
    if not isinstance(text, str) or IP_SHAPE.fullmatch(text) is None:
        return None
    try:
        return ip_address(text if text.count(".") in {0, 3} else _BUILDER_SUFFIX.sub("", text))
    except ValueError:
        return None


def _wrong_address(v: View) -> tuple[Hit, ...]:
    text = v.user.get("client_ip_address")
    plain = not absent(text) and not is_sha256(text)
    return hits(plain and _address(v) is None, "user_data.client_ip_address")


def _mapped_address(v: View) -> tuple[Hit, ...]:
    address = _address(v)
    mapped = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    return hits(mapped, "user_data.client_ip_address")


def _private_address(v: View) -> tuple[Hit, ...]:
    address = _address(v)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return hits(address is not None and not address.is_global, "user_data.client_ip_address")


def _bot(v: View) -> tuple[Hit, ...]:
    return _where(v, ("client_user_agent",), lambda s: BOTS.search(s) is not None)


def _no_agent(v: View) -> tuple[Hit, ...]:
    missing = v.event.get("action_source") == "website" and absent(v.user.get("client_user_agent"))
    return hits(missing, "user_data.client_user_agent")


def _malformed_fbc(v: View) -> tuple[Hit, ...]:
    return _where(v, ("fbc",), lambda s: FBC.fullmatch(s) is None and not is_sha256(s))


def _altered_fbc(v: View) -> tuple[Hit, ...]:
    return _where(v, ("fbc",), _is_altered)


def _is_altered(cookie: str) -> bool:
    parts = _PARTS.match(cookie)
    click = parts[2] if parts else ""
    lowered = len(click) >= 20 and click == click.lower() and not click.isdigit()
    return lowered or _ALTERED.search(click) is not None


def _malformed_fbp(v: View) -> tuple[Hit, ...]:
    return _where(v, ("fbp",), lambda s: FBP.fullmatch(s) is None and not is_sha256(s))


def _seconds(v: View) -> tuple[Hit, ...]:
    return _where(v, ("fbc", "fbp"), lambda s: 0 < _born(s) < 100_000_000_000)


def _born(cookie: str) -> int:
    parts = _PARTS.match(cookie)
    return int(parts[1]) if parts else 0


def _unborn(v: View) -> tuple[Hit, ...]:
    if v.time is None:
        return NONE
    latest = (v.time + 60) * 1000
    return _where(v, ("fbc", "fbp"), lambda s: _born(s) > latest)


def _old_click(v: View) -> tuple[Hit, ...]:
    if v.time is None:
        return NONE
    earliest = (v.time - CLICK_AGE_LIMIT) * 1000
    return _where(v, ("fbc",), lambda s: 100_000_000_000 <= _born(s) < earliest)


def _advertiser_id(v: View) -> tuple[Hit, ...]:
    return _where(v, ("madid",), lambda s: s != s.lower() or "-" not in s)


_CUSTOMER: Final = "customer information parameters"

PERSON_HINTS: Final = (
    Rule(
        name="user_data.unhashed",
        path="user_data.{em, ph, fn, ...}",
        check=_unhashed,
        message="The value is not a SHA-256 hash; Meta drops it, and it may be personal data.",
        fix="Normalise the value, then send its SHA-256 as 64 lower-case hexadecimal digits.",
        evidence="D, I",
        source=f"{_CUSTOMER}: hashing is required; what happens to the rest is inferred",
    ),
    Rule(
        name="user_data.other_hash",
        path="user_data.{em, ph, fn, ...}",
        check=_other_hash,
        message="The value looks like an MD5, SHA-1 or SHA-512 hash.",
        fix="Hash the normalised value with SHA-256.",
        evidence="D",
        source="audiences: other hashing is not supported",
    ),
    Rule(
        name="user_data.empty_hash",
        path="user_data.{em, ph, fn, ...}",
        check=_empty_hash,
        message="The value is the SHA-256 of nothing: a blank field was hashed.",
        fix="Leave the key out when the field is blank.",
        evidence="S",
        source="Meta's Python, Node and Java SDKs produce it for some inputs",
    ),
    Rule(
        name="user_data.placeholder_hash",
        path="user_data.{em, ph, fn, ...}",
        check=_placeholder_hash,
        message="The value is the SHA-256 of a placeholder such as null or undefined.",
        fix="Leave the key out when the field has no value.",
        evidence="I",
        source="one hash that many customers share matches nobody",
    ),
    Rule(
        name="user_data.upper_hash",
        path="user_data.{em, ph, fn, ...}",
        check=_upper_hash,
        message="The hash is written in upper case.",
        fix="Send lower-case hexadecimal digits.",
        evidence="D",
        source="audiences: hexadecimal digits a to f are lower case",
    ),
    Rule(
        name="user_data.hashed_plain",
        path="user_data.{client_ip_address, fbc, ...}",
        check=_hashed_plain,
        message="The value is hashed, but this key is never hashed.",
        fix="Send the value as it is.",
        evidence="D",
        source=_CUSTOMER,
    ),
    Rule(
        name="user_data.type",
        path="user_data.*",
        check=_wrong_type,
        message="The value is not a text.",
        fix="Send a string, or an array of strings where the key takes a list.",
        evidence="D",
        source=_CUSTOMER,
    ),
    Rule(
        name="user_data.list",
        path="user_data.{client_ip_address, fbc, ...}",
        check=_list,
        message="The key takes one value, not a list.",
        fix="Send a single string.",
        evidence="D",
        source=_CUSTOMER,
    ),
    Rule(
        name="user_data.blank",
        path="user_data.*",
        check=_blank,
        message="The key is sent without a value.",
        fix="Leave the key out.",
        evidence="I",
        source="a blank value counts as absent here",
    ),
    Rule(
        name="user_data.unknown_key",
        path="user_data.*",
        check=_unknown,
        message="Meta has no such key; it is ignored.",
        fix="Use a documented key.",
        evidence="D",
        source=_CUSTOMER,
    ),
    Rule(
        name="external_id.personal",
        path="user_data.external_id",
        check=_personal_id,
        message="The external id holds an e-mail address in plain text.",
        fix="Send the shop's own customer id, hashed, the same on every channel.",
        evidence="D",
        source="Meta's terms forbid unhashed contact information",
    ),
    Rule(
        name="client_ip_address.malformed",
        path="user_data.client_ip_address",
        check=_wrong_address,
        message="The value is no IPv4 or IPv6 address.",
        fix="Send one address, without port, spaces or a list of proxies.",
        evidence="D",
        source=_CUSTOMER,
    ),
    Rule(
        name="client_ip_address.mapped",
        path="user_data.client_ip_address",
        check=_mapped_address,
        message="The value is an IPv4 address dressed as IPv6.",
        fix="Cut the ::ffff: prefix.",
        evidence="I",
        source="the browser's own address is the IPv4 one",
    ),
    Rule(
        name="client_ip_address.private",
        path="user_data.client_ip_address",
        check=_private_address,
        message="The address is private or reserved: it is a proxy's or the server's own.",
        fix="Send the shopper's public address, taken from the proxy you trust.",
        evidence="D",
        source="dataset quality: server sending mismatched IP addresses",
    ),
    Rule(
        name="client_user_agent.bot",
        path="user_data.client_user_agent",
        check=_bot,
        message="The user agent is a program's, not a shopper's browser.",
        fix="Send the User-Agent of the shopper's request; do not send events of bots.",
        evidence="I",
        source="the server's own HTTP library shows up here when its header is copied",
    ),
    Rule(
        name="client_user_agent.missing",
        path="user_data.client_user_agent",
        check=_no_agent,
        message="A website event without the browser's user agent.",
        fix="Send the User-Agent of the shopper's request.",
        evidence="D",
        source="documented as required; seen accepted without it on v26.0",
    ),
    Rule(
        name="fbc.malformed",
        path="user_data.fbc",
        check=_malformed_fbc,
        message="The click id has not the form fb.1.<milliseconds>.<fbclid>.",
        fix="Send the _fbc cookie byte for byte, or build it as documented.",
        evidence="D",
        source="fbp and fbc parameters",
    ),
    Rule(
        name="fbc.altered",
        path="user_data.fbc",
        check=_altered_fbc,
        message="The click id was changed: lower-cased, encoded, or with other parameters on it.",
        fix="Send the fbclid as it stood in the URL; it is case-sensitive.",
        evidence="D, I",
        source="fbp and fbc parameters: never modify; the signs of it are inferred",
    ),
    Rule(
        name="fbp.malformed",
        path="user_data.fbp",
        check=_malformed_fbp,
        message="The browser id has not the form fb.1.<milliseconds>.<digits>.",
        fix="Send the _fbp cookie byte for byte.",
        evidence="D",
        source="fbp and fbc parameters",
    ),
    Rule(
        name="fb.seconds",
        path="user_data.{fbc, fbp}",
        check=_seconds,
        message="The creation time counts seconds; this one counts milliseconds.",
        fix="Multiply the time by 1000. Only event_time is in seconds.",
        evidence="D",
        source="fbp and fbc parameters",
    ),
    Rule(
        name="fb.future",
        path="user_data.{fbc, fbp}",
        check=_unborn,
        message="The cookie was made after the event.",
        fix="Use the time at which the click or the browser was first seen.",
        evidence="I",
        source="a purchase cannot come before the click that led to it",
    ),
    Rule(
        name="fbc.old",
        path="user_data.fbc",
        check=_old_click,
        message="The click is more than 90 days older than the event.",
        fix="Leave fbc out: the _fbc cookie lives 90 days.",
        evidence="I",
        source="the cookie's lifetime is documented, the limit in matching is not",
    ),
    Rule(
        name="madid.form",
        path="user_data.madid",
        check=_advertiser_id,
        message="The advertiser id is not lower case with hyphens.",
        fix="Send it as 38400000-8cf0-11bd-b23e-10b96e40000d.",
        evidence="D",
        source="audiences: mobile advertiser id",
    ),
)
"""Warnings about `user_data`."""
