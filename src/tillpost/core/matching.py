"""Which account an event belongs to: rules that rather say nothing than something wrong.

- A key value that two or more accounts have never decides alone: a family's e-mail,
  a shared phone. It neither helps nor hurts; another key decides.
- Name, city, postcode, birth date, gender and country never match by themselves.
- Where keys point at different accounts, the name decides, then the precedence below.
- A single key that may be shared does not decide against a first name that differs.
- Address and browser (IP, user agent) are never used.
- Keys learned from earlier events of the dataset (`fbp`, `external_id`) are asked last,
  only for events that bring no e-mail or phone of their own, and are shown apart.
"""

from collections.abc import Iterable, Mapping, Sequence
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
    """How much one key alone tells; the first row wins where keys contradict each other."""

    code: Code
    confidence: float
    why: str


PRECEDENCE: tuple[Precedence, ...] = (
    Precedence(Code.em, 0.95, "who pays gives an own e-mail address"),
    Precedence(Code.ph, 0.93, "a phone is mostly one person's"),
    Precedence(Code.lead_id, 0.95, "the platform's own id of a form filled by the account"),
    Precedence(Code.fb_login_id, 0.98, "the platform's own id of the account"),
    Precedence(Code.ctwa_clid, 0.9, "a click out of the account's own messages"),
    Precedence(Code.page_scoped_user_id, 0.95, "the platform's id of the account for a page"),
    Precedence(Code.ig_sid, 0.95, "the platform's id of the account for a business"),
    Precedence(Code.external_id, 0.9, "the advertiser's own id of a person"),
    Precedence(Code.subscription_id, 0.85, "one contract, mostly one person"),
    Precedence(Code.madid, 0.8, "a device is mostly one person's"),
    Precedence(Code.anon_id, 0.75, "an app install, as a device"),
    Precedence(Code.fbc, 0.85, "the click was an account's, but links are shared"),
    Precedence(Code.fbp, 0.7, "a browser is mostly one person's"),
)

RANK: dict[int, int] = {row.code: rank for rank, row in enumerate(PRECEDENCE)}
_CONFIDENCE: dict[int, float] = {row.code: row.confidence for row in PRECEDENCE}

AGREE = 0.99
"""Confidence where two keys or more agree and none contradicts."""

CONTRADICTED = 0.6
"""Factor where another key points at another account."""

NAMED = 0.85
"""Factor instead of `CONTRADICTED` where the first name speaks for the account."""

LEARNABLE = frozenset({Code.fbp, Code.external_id})
"""Keys that are learned from matched events."""

LEARN_FROM = 0.9
"""Confidence from which an event teaches its keys."""

STRANGER = 0
"""Instead of an account: somebody of whom no account is known used this browser too."""


class Rules(Struct, frozen=True):
    """The receiver's choices.

    `name_veto`: whether a single key fails against another first name. `least`: the
    confidence below which there is no match. `learn`: whether keys are learned.
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
    for key in strong(keys):
        having = owners.get(key, ())
        if len(having) == 1:
            votes.setdefault(having[0], []).append(key)
        elif having:
            shared.append(key)
    if not votes:
        return Match(reason=_why_none(keys, shared))
    return _elect(keys, votes, accounts, rules)


def match_learned(
    dataset_id: str, keys: Sequence[Key], learned: Owners, accounts: Accounts, rules: Rules
) -> Match:
    """As `match`, by keys learned from earlier events of the dataset, flagged `merged`.

    An event with an e-mail or phone of its own is left alone: a browser may be a
    family's, and an unknown address is then more likely another person.
    """
    if any(key[0] in (Code.em, Code.ph) for key in keys):
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


def learned_key(dataset_id: str, key: Key) -> Key:
    """The name under which a dataset's learned key is kept; other datasets learn for themselves."""
    return blake2b(dataset_id.encode() + b"\0" + key, digest_size=16).digest()


def _learned_of(dataset_id: str, keys: Iterable[Key], learned: Owners) -> dict[Key, Sequence[int]]:
    """Whose these keys are by what the dataset has learned."""
    return {key: learned.get(learned_key(dataset_id, key), ()) for key in _learnable(keys)}


def _learnable(keys: Iterable[Key]) -> list[Key]:
    return [key for key in keys if key[0] in LEARNABLE]


def _strange(dataset_id: str, keys: Sequence[Key], learned: Owners) -> list[Key]:
    """The browsers of somebody unknown; not where a customer id is known to be an account's."""
    if not any(key[0] in (Code.em, Code.ph) for key in keys):
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
    naming = {person: _name(keys, accounts, person) for person in votes}
    ranked = sorted(votes, key=lambda p: (-naming[p], min(RANK[k[0]] for k in votes[p]), p))
    best = ranked[0]
    by = names(votes[best])
    confidence = AGREE if len(by) > 1 else max(_CONFIDENCE[k[0]] for k in votes[best])
    if len(ranked) == 1:
        if naming[best] < 0 and len(by) == 1 and rules.name_veto:
            return Match(reason=f"only {by[0]} agrees, and the first name differs")
        return _enough(Match(best, by, confidence), rules)
    others = names(key for person in ranked[1:] for key in votes[person])
    reason = f"{_listed(by)} and {_listed(others)} point at different accounts"
    if naming[best] < 0 and rules.name_veto:
        return Match(reason=f"{reason}, and no first name agrees")
    factor = NAMED if naming[best] > 0 else CONTRADICTED
    return _enough(Match(best, by, round(confidence * factor, 3), reason), rules)


def _enough(found: Match, rules: Rules) -> Match:
    if found.confidence >= rules.least:
        return found
    return Match(reason=f"{found.reason or _listed(found.by)}: {found.confidence} is too unsure")


def _name(keys: Sequence[Key], accounts: Accounts, person: int) -> int:
    """1 if a form of the first name agrees, -1 if both are known and none does, else 0."""
    ours = {key for key in keys if key[0] == Code.fn}
    theirs = {key for key in accounts.get(person, ()) if key[0] == Code.fn}
    if not ours or not theirs:
        return 0
    return 1 if ours & theirs else -1


def _why_none(keys: Sequence[Key], shared: Sequence[Key]) -> str:
    if shared:
        return f"{_listed(names(shared))} shared by several accounts"
    if not keys:
        return "no match key"
    if not strong(keys):
        return f"{_listed(names(keys))} cannot match alone"
    return f"{_listed(names(strong(keys)))} unknown to every account"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words)
