"""Which account an event belongs to: rules that rather say nothing than something wrong.

- A key value that two or more accounts have never decides alone: a family's e-mail,
  a shared phone. It neither helps nor hurts; another key decides.
- Name, city, postcode, birth date, gender and country never match by themselves.
- Where keys point at different accounts, the name decides, then the precedence below.
- A single key of a kind that people share or hand on (a phone, a browser, a device, a
  link) does not decide against a first name that differs. One that is a person's own
  (an e-mail address, a customer id) does, unless the phones differ as well: two facts
  against one. Nicknames are common; family addresses are rare.
- Address and browser (IP, user agent) are never used.
- Keys learned from earlier events of the dataset (`fbp`, `external_id`) are asked last,
  only for events that bring no e-mail or phone of their own, and are shown apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import groupby, takewhile
from typing import NamedTuple

from msgspec import Struct

from tillpost.core.match_key import Code, Key, names
from tillpost.core.received import Match

Owners = Mapping[Key, Sequence[int]]
"""Key -> the accounts that have it."""

Accounts = Mapping[int, frozenset[Key]]
"""Account -> all keys it is known by."""


class Precedence(NamedTuple):
    """How much one key alone tells; the first row wins where keys contradict each other.

    An `own` key is one person's; others are shared or handed on, and need the first name
    not to differ.
    """

    code: Code
    confidence: float
    own: bool
    why: str


PRECEDENCE: tuple[Precedence, ...] = (
    Precedence(Code.em, 0.95, True, "who pays gives an own e-mail address"),
    Precedence(
        Code.ph,
        0.93,
        False,
        "mostly one person's, but shared and given on",
    ),
    Precedence(Code.lead_id, 0.95, True, "the platform's own id of a form filled by the account"),
    Precedence(Code.fb_login_id, 0.98, True, "the platform's own id of the account"),
    Precedence(Code.ctwa_clid, 0.9, True, "a click out of the account's own messages"),
    Precedence(Code.page_scoped_user_id, 0.95, True, "the platform's id of the account for a page"),
    Precedence(Code.ig_sid, 0.95, True, "the platform's id of the account for a business"),
    Precedence(Code.external_id, 0.9, True, "the advertiser's own id of a person"),
    Precedence(Code.subscription_id, 0.85, False, "one contract, mostly one person"),
    Precedence(Code.madid, 0.8, False, "a device is mostly one person's"),
    Precedence(Code.anon_id, 0.75, False, "an app install, as a device"),
    Precedence(Code.fbc, 0.85, False, "the click was an account's, but links are shared"),
    Precedence(Code.fbp, 0.7, False, "a browser is mostly one person's"),
)

RANK: dict[int, int] = {row.code.value: rank for rank, row in enumerate(PRECEDENCE)}
_CONFIDENCE: dict[int, float] = {row.code.value: row.confidence for row in PRECEDENCE}
_OWN: frozenset[int] = frozenset(row.code for row in PRECEDENCE if row.own)

AGREE = 0.99
"""Confidence where two keys or more agree and none contradicts."""

CONTRADICTED = 0.6
"""Factor where another key points at another account."""

NAMED = 0.85
"""Factor instead of `CONTRADICTED` where the first name speaks for the account."""

AGAINST_NAME = 0.85
"""Factor where only a key of a person's own agrees, and the first name differs."""

LEARNABLE = frozenset({Code.fbp, Code.external_id})
"""Keys that are learned from matched events."""

_TELLING = frozenset({Code.em, Code.ph})

LEARN_FROM = 0.9
"""Confidence from which an event teaches its keys."""

STRANGER = 0
"""Instead of an account: somebody of whom no account is known used this browser too."""


class Rules(Struct, frozen=True):
    """The receiver's choices.

    `name_veto`: whether a first name that differs can speak against a single key. `least`:
    the confidence below which there is no match. `learn`: whether keys are learned.
    """

    name_veto: bool = True
    least: float = 0.5
    learn: bool = True


def strong(keys: Iterable[Key]) -> tuple[Key, ...]:
    """The keys that can lead to an account."""
    return tuple([key for key in keys if key[0] in RANK])


def match(keys: Sequence[Key], owners: Owners, accounts: Accounts, rules: Rules) -> Match:
    """The account that these keys belong to; `reason` says why where there is none."""
    votes: dict[int, list[Key]] = {}
    shared: list[Key] = []
    for key in keys:
        having = owners.get(key, ()) if key[0] in RANK else ()
        if len(having) == 1:
            votes.setdefault(having[0], []).append(key)
        elif having:
            shared.append(key)
    if not votes:
        return Match(reason=_why_none(names(keys), names(shared)))
    return _elect(keys, votes, accounts, rules)


def match_learned(
    dataset_id: str, keys: Sequence[Key], learned: Owners, accounts: Accounts, rules: Rules
) -> Match:
    """As `match`, by keys learned from earlier events of the dataset, flagged `merged`.

    An event with an e-mail or phone of its own is left alone: a browser may be a
    family's, and an unknown address is then more likely another person.
    """
    if _tells_who(keys):
        return Match()
    known = _learned_of(dataset_id, keys, learned).items()
    own = {key: several for key, several in known if STRANGER not in several}
    found = match(_learnable(keys), own, accounts, rules)
    if found.person is None or (rules.name_veto and _name(keys, accounts, found.person) < 0):
        return Match()
    return Match(found.person, found.by, found.confidence, found.reason, merged=True)


def lessons(
    dataset_id: str, keys: Sequence[Key], found: Match, learned: Owners
) -> list[tuple[Key, int]]:
    """What an event teaches its dataset: (learned key, account).

    A match that is sure teaches whose its browser and customer id are. An event that tells
    who bought, and is of no sure account, makes its browser a stranger's too: a family
    shares one, and the platform knows one of them.
    """
    if found.person is None or found.confidence < LEARN_FROM:
        person, told = STRANGER, _strange(dataset_id, keys, learned)
    else:
        person, told = found.person, [] if found.merged else _learnable(keys)
    return [(learned_key(dataset_id, key), person) for key in told]


@lru_cache(maxsize=16_384)  # a slice's keys are asked for several times
def learned_key(dataset_id: str, key: Key) -> Key:
    """The name under which a dataset's learned key is kept; other datasets learn for themselves."""
    return blake2b(dataset_id.encode() + b"\0" + key, digest_size=16).digest()


def _learned_of(dataset_id: str, keys: Iterable[Key], learned: Owners) -> dict[Key, Sequence[int]]:
    """Whose these keys are by what the dataset has learned."""
    return {key: learned.get(learned_key(dataset_id, key), ()) for key in _learnable(keys)}


def _tells_who(keys: Iterable[Key]) -> bool:
    """Whether there is an e-mail or a phone."""
    return any(key[0] in _TELLING for key in keys)


def _learnable(keys: Iterable[Key]) -> list[Key]:
    return [key for key in keys if key[0] in LEARNABLE]


def _strange(dataset_id: str, keys: Sequence[Key], learned: Owners) -> list[Key]:
    """The browsers of somebody unknown; not where a customer id is known to be an account's."""
    if not _tells_who(keys):
        return []
    for key, several in _learned_of(dataset_id, keys, learned).items():
        if key[0] == Code.external_id and len(several) == 1 and STRANGER not in several:
            return []
    return [key for key in keys if key[0] == Code.fbp]


def account_of(keys: Sequence[Key], owners: Owners, accounts: Accounts) -> tuple[int | None, bool]:
    """The account that a report of the platform itself is about, and whether to open a new one.

    An account's keys are all its own, so the strongest kind of key that anyone has
    decides; an account that has another value of that kind or of a stronger one is
    another account. `(None, True)`: nobody yet. `(None, False)`: it cannot be told who.
    """
    ranked = sorted(strong(keys), key=lambda key: RANK[key[0]])
    for code, group in groupby(ranked, key=lambda key: key[0]):
        having = {person for key in group for person in owners.get(key, ())}
        fitting = [p for p in having if _compatible(keys, accounts.get(p, frozenset()), code)]
        if len(fitting) > 1:
            fitting = _narrowed(fitting, ranked, accounts)
        if len(fitting) == 1:
            return fitting[0], False
        if fitting:
            return None, False
    return None, True


def _compatible(keys: Sequence[Key], known: frozenset[Key], code: int) -> bool:
    """Whether no stronger kind of key than `code` has other values on the two sides."""
    for stronger in takewhile(lambda kind: kind != code, RANK):
        ours = {key for key in keys if key[0] == stronger}
        theirs = {key for key in known if key[0] == stronger}
        if ours and theirs and not ours & theirs:
            return False
    return True


def _narrowed(fitting: list[int], ranked: Sequence[Key], accounts: Accounts) -> list[int]:
    """Of accounts that share a key, those that have most of the keys."""
    score = {p: sum(key in accounts.get(p, ()) for key in ranked) for p in fitting}
    most = max(score.values())
    return [p for p in fitting if score[p] == most]


def _elect(
    keys: Sequence[Key], votes: Mapping[int, list[Key]], accounts: Accounts, rules: Rules
) -> Match:
    """The account with the better name, then the stronger key."""
    if len(votes) == 1:
        return _alone(keys, *next(iter(votes.items())), accounts, rules)
    naming = {person: _name(keys, accounts, person) for person in votes}
    ranked = sorted(votes, key=lambda p: (-naming[p], min(RANK[k[0]] for k in votes[p]), p))
    best = ranked[0]
    by = names(votes[best])
    others = names([key for person in ranked[1:] for key in votes[person]])
    reason = f"{_listed(by)} and {_listed(others)} point at different accounts"
    if naming[best] < 0 and rules.name_veto:
        return Match(reason=f"{reason}, and no first name agrees")
    factor = NAMED if naming[best] > 0 else CONTRADICTED
    confidence = round(_confidence(votes[best]) * factor, 3)
    return _enough(Match(best, by, confidence, reason), rules)


def _alone(
    keys: Sequence[Key], person: int, agreeing: list[Key], accounts: Accounts, rules: Rules
) -> Match:
    """The account that no key speaks against, unless the event's other facts do."""
    by = names(agreeing)
    confidence = _confidence(agreeing)
    if not rules.name_veto or len(by) > 1 or not _differs(Code.fn, keys, accounts, person):
        return _enough(Match(person, by, confidence), rules)
    if agreeing[0][0] not in _OWN:
        return Match(reason=f"only {by[0]} agrees, and the first name differs")
    if _differs(Code.ph, keys, accounts, person):
        return Match(reason=f"only {by[0]} agrees, and first name and ph differ")
    unsure = round(confidence * AGAINST_NAME, 3)
    return _enough(Match(person, by, unsure, "the first name differs"), rules)


def _confidence(agreeing: Sequence[Key]) -> float:
    kinds = {key[0] for key in agreeing}
    return AGREE if len(kinds) > 1 else _CONFIDENCE[kinds.pop()]


def _enough(found: Match, rules: Rules) -> Match:
    if found.confidence >= rules.least:
        return found
    return Match(reason=f"{found.reason or _listed(found.by)}: {found.confidence} is too unsure")


def _name(keys: Sequence[Key], accounts: Accounts, person: int) -> int:
    """1 if a form of the first name agrees, -1 if both are known and none does, else 0."""
    theirs = accounts.get(person, frozenset())
    if any(key[0] == Code.fn and key in theirs for key in keys):
        return 1
    return -1 if _differs(Code.fn, keys, accounts, person) else 0


def _differs(code: Code, keys: Sequence[Key], accounts: Accounts, person: int) -> bool:
    """Whether both sides tell this kind of key, and no value of it is on both."""
    ours = [key for key in keys if key[0] == code]
    if not ours:
        return False
    theirs = [key for key in accounts.get(person, ()) if key[0] == code]
    return bool(theirs) and not any(key in theirs for key in ours)


@lru_cache(maxsize=4096)  # of the few combinations that senders send
def _why_none(told: tuple[str, ...], shared: tuple[str, ...]) -> str:
    if shared:
        return f"{_listed(shared)} shared by several accounts"
    if not told:
        return "no match key"
    leading = [name for name in told if Code[name] in RANK]
    if not leading:
        return f"{_listed(told)} cannot match alone"
    return f"{_listed(leading)} unknown to every account"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
