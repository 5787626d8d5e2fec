"""Do two tools hash one person alike? Says which keys of a payload miss the order's own, and why.

The order's identifiers are normalised and hashed as Meta documents, in that spelling alone.
Where a sent hash is another, the plausible wrong spellings are hashed too, until one is
recognised. No answer holds a raw value or a hash.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from tillpost.core import identity
from tillpost.core.hints_person import PLACEHOLDERS
from tillpost.core.misspelling import CODINGS, KEYS, MISTAKES, hexadecimal
from tillpost.core.rule import absent, is_sha256

Verdict: TypeAlias = Literal["match", "mismatch", "missing", "extra"]

_PLACES: Final = ("billing_address", "customer.default_address", "shipping_address")

ORDER_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "em": ("email", "contact_email", "customer.email"),
    "ph": ("phone", "customer.phone", *(f"{place}.phone" for place in _PLACES)),
    "fn": ("billing_address.first_name", "customer.first_name", "shipping_address.first_name"),
    "ln": ("billing_address.last_name", "customer.last_name", "shipping_address.last_name"),
    "ct": tuple(f"{place}.city" for place in _PLACES),
    "st": tuple(f"{place}.{name}" for place in _PLACES for name in ("province_code", "province")),
    "zp": tuple(f"{place}.zip" for place in _PLACES),
    "country": tuple(
        f"{place}.{name}" for place in _PLACES for name in ("country_code", "country")
    ),
    "external_id": ("customer.id",),
}
"""Where a Shopify order holds what each key is made of, the best place first."""


class Agreement(Struct, frozen=True):
    """What became of one key of one event.

    `extra` keys have nothing in the order to compare with; `missing` ones could have been
    sent. `reason` names the recognised mistake, or `different` where none was recognised.
    """

    event: int
    key: str
    verdict: Verdict
    reason: str
    message: str
    fix: str


class _Order(NamedTuple):
    raw: dict[str, tuple[str, ...]]
    country: str | None

    def right(self, key: str) -> Iterator[tuple[str, str]]:
        """Every (raw value, right spelling) of the key; none for a value that came hashed."""
        for value in self.raw.get(key, ()):
            normal = identity.normalize(key, value, self.country)
            for spelled in () if normal.hashed else normal.values[:1]:
                yield value, spelled

    def hashes(self, key: str) -> frozenset[str]:
        """The hash of every value of the key, as documented."""
        normal = [identity.normalize(key, value, self.country) for value in self.raw.get(key, ())]
        return frozenset(
            text if found.hashed else hexadecimal(text)
            for found in normal
            for text in found.values[:1]
        )

    def seconds(self, key: str) -> frozenset[str]:
        """The hash of the other spelling that Meta is sent of each value, where there is one."""
        normal = [identity.normalize(key, value, self.country) for value in self.raw.get(key, ())]
        return frozenset(hexadecimal(text) for found in normal for text in found.values[1:])


def order_identifiers(order: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Match key -> the raw values that a Shopify order holds for it, the best first.

    The order may stand alone or under `order`, as the Admin API answers.
    """
    inner = order.get("order")
    body = inner if isinstance(inner, dict) else order
    found = {key: _values(body, paths) for key, paths in ORDER_FIELDS.items()}
    return {key: values for key, values in found.items() if values}


def _values(body: Mapping[str, Any], paths: Sequence[str]) -> tuple[str, ...]:
    read = (_at(body, path) for path in paths)
    return tuple(dict.fromkeys(value for value in read if value.strip()))


def _at(body: Mapping[str, Any], path: str) -> str:
    where: Any = body
    for step in path.split("."):
        where = where.get(step) if isinstance(where, dict) else None
    if isinstance(where, bool) or not isinstance(where, (str, int)):
        return ""
    return where if isinstance(where, str) else f"{where:d}" if abs(where) < 10**20 else ""


def compare(events: Sequence[Mapping[str, Any]], order: Mapping[str, Any]) -> list[Agreement]:
    """Every hashed key that an event or the order has, event by event, and whether they agree."""
    raw = order_identifiers(order)
    known = _Order(raw, identity.country_code(next(iter(raw.get("country", ())), None)))
    return [
        found
        for index, event in enumerate(events)
        for key in KEYS
        if (found := _key(index, key, event.get("user_data"), known)) is not None
    ]


def _key(index: int, key: str, user_data: object, order: _Order) -> Agreement | None:
    sent = _sent(user_data.get(key)) if isinstance(user_data, dict) else []
    has = bool(order.hashes(key))
    if not sent and not has:
        return None
    if not sent:
        return Agreement(
            index, key, "missing", "missing", "the order has it, the payload has not", "Send it."
        )
    if not has:
        message = "the order has no usable value to compare it with"
        return Agreement(index, key, "extra", "extra", message, "")
    reasons = [_reason(key, value, order) for value in sent]
    if None in reasons:
        return Agreement(index, key, "match", "", "the payload's hash is the order's", "")
    told = [reason for reason in reasons if reason is not None]
    best = next((reason for reason in told if reason[0] != "different"), told[0])
    return Agreement(index, key, "mismatch", *best)


def _sent(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [str(item) for item in listed if isinstance(item, (str, int)) and not absent(item)]


def _reason(key: str, sent: str, order: _Order) -> tuple[str, str, str] | None:
    """None where the value is right, else (reason, message, fix)."""
    digest = sent[:64].lower() if is_sha256(sent) else sent.strip()
    right = order.hashes(key)
    if digest in right:
        return None
    if not is_sha256(sent) and any(
        hexadecimal(spelled) in right
        for spelled in identity.normalize(key, sent, order.country).values
    ):
        return "unhashed", "the right value was sent, but not hashed", "Send its SHA-256."
    if digest in _NOTHING:
        return "nothing", "a blank or a placeholder was hashed", "Leave the key out instead."
    return next(_recognised(key, digest, order), _DIFFERENT if is_sha256(sent) else _RAW)


def _recognised(key: str, digest: str, order: _Order) -> Iterator[tuple[str, str, str]]:
    for coding in CODINGS:
        if any(coding.digest(spelled) == digest for _, spelled in order.right(key)):
            yield coding.name, coding.message, "Send SHA-256 in lower-case hexadecimal digits."
    for mistake in MISTAKES:
        if key in mistake.keys and any(
            hexadecimal(mistake.spell(raw, right, order.country)) == digest
            for raw, right in order.right(key)
        ):
            yield mistake.name, mistake.message, mistake.fix
    if digest in order.seconds(key):
        yield _SECOND
    yield from _elsewhere(key, digest, order)
    yield from _typed_and_coded(key, digest, order)


def _elsewhere(key: str, digest: str, order: _Order) -> Iterator[tuple[str, str, str]]:
    for other in KEYS:
        if other != key and digest in order.hashes(other):
            yield "wrong_key", f"the value belongs to {other}", f"Send it as {other}."
    if key in {"fn", "ln"} and digest in set(_full_names(order)):
        yield (
            "full_name",
            "first and last name were hashed together",
            "Split the name into fn and ln.",
        )


def _full_names(order: _Order) -> Iterator[str]:
    for first in order.raw.get("fn", ()):
        for last in order.raw.get("ln", ()):
            for joint in (" ", ""):
                for name in (f"{first}{joint}{last}", f"{last}{joint}{first}"):
                    yield hexadecimal(name)
                    yield hexadecimal(name.strip().lower())


def _typed_and_coded(key: str, digest: str, order: _Order) -> Iterator[tuple[str, str, str]]:
    for coding in CODINGS:
        for raw, _ in order.right(key):
            if digest in {coding.digest(raw), coding.digest(raw.strip().lower())}:
                yield coding.name, f"{coding.message}, as it was typed", "Normalise, then SHA-256."


_SECOND: Final = (
    "library_spelling",
    "spelled as some of Meta's own libraries do, which is not as documented",
    "Follow the documents, or send both spellings.",
)
_DIFFERENT: Final = (
    "different",
    "the hash is of none of the order's values, nor of a spelling we know",
    "Check which field the value was taken from.",
)
_RAW: Final = (
    "different",
    "the value is no SHA-256 hash, and none of the order's values",
    "Normalise the order's value, then send its SHA-256.",
)
_NOTHING: Final = frozenset(hexadecimal(text) for text in ("", *PLACEHOLDERS))
