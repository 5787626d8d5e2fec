"""Erasing a person at the platform's side leaves nothing that was learned of their browser."""

from hashlib import sha256
from pathlib import Path

import pytest

from tillpost.core.event import Person, PrivacyAsked
from tillpost.core.match_key import Code, of_hash, of_value
from tillpost.core.matching import STRANGER, learned_key
from tillpost.core.outcome import Permanent
from tillpost.core.received import Settlement
from tillpost.store.receiver_privacy import ReceiverPrivacy
from tillpost.store.receiver_sqlite import SqliteReceiverStore
from tillpost.store.sqlite import Database

DIGEST = sha256(b"jane@example.com").hexdigest()
COOKIE = "fb.1.1790000000000.1116446470"


class Damaged:
    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, box: bytes) -> bytes:
        raise Permanent("a sealed row is damaged on the disk")


class Plain:
    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, box: bytes) -> bytes:
        return box


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "receiver.db", "receiver")


def test_a_browser_is_forgotten_also_where_it_was_a_strangers(database: Database) -> None:
    store = SqliteReceiverStore(database)
    own = learned_key("1", of_value(Code.fbp, COOKIE))
    other = learned_key("2", of_value(Code.fbp, COOKIE))
    store.commit(Settlement(0, taught=((own, STRANGER), (other, STRANGER))))
    asked = PrivacyAsked("erase", person=Person(keys={"em": (("meta", DIGEST),)}))
    privacy = ReceiverPrivacy(database, Plain())
    found = privacy.find(asked, [COOKIE], ["1"])
    assert of_hash(Code.em, DIGEST) in found.keys
    privacy.erase(found)
    assert store.known((), [own, other]).learned == {other: (STRANGER,)}
    database.close()


def test_a_kept_call_that_is_damaged_may_be_theirs_and_is_forgotten(database: Database) -> None:
    kept = (
        "INSERT INTO call (at, method, path, status, events, answer, box) "
        "VALUES (0, 'POST', '/', 200, 1, '', x'00')"
    )
    database.write_now(lambda conn: conn.execute(kept) and None)
    privacy = ReceiverPrivacy(database, Damaged())
    found = privacy.find(PrivacyAsked("erase", customer_id="501"), [], [])
    assert privacy.erase(found) == {
        "receiver_people": 0,
        "receiver_events": 0,
        "receiver_calls": 1,
        "receiver_unreadable": 1,
    }
    with database.reader() as conn:
        assert conn.execute("SELECT COUNT(*) FROM call").fetchone() == (0,)
    database.close()
