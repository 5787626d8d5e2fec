"""Writes what the platform tells: accounts, what they did with ads, and what ads cost."""

import sqlite3
from collections.abc import Mapping

from tillpost.core.match_key import Key, pack, unpack
from tillpost.core.matching import account_of, strong
from tillpost.core.received import AccountSeen, Ad, SpendSeen, TouchSeen
from tillpost.store import receiver_recall as recall
from tillpost.store.receiver_rows import ACTIONS

_DAY = 86_400


class Registrar:
    """Writes accounts and touches inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, sql: Mapping[str, str], now: int) -> None:
        self._do = connection.execute
        self._connection = connection
        self._sql = sql
        self._now = now
        self._ads: dict[tuple[str, ...], int] = {}

    def account(self, seen: AccountSeen) -> int | None:
        """The number of the account, opened if it is new; None if it cannot be told whose it is."""
        person = self._by_id(seen.id) if seen.id is not None else None
        if person is None and seen.id is None:
            known = recall.known(self._connection, self._sql, strong(seen.keys), ())
            person, opens = account_of(seen.keys, known.owners, known.accounts)
            if person is None and not opens:
                return None
        if person is None:
            cursor = self._do(self._sql["new_person"], (seen.id, pack(seen.keys)))
            person, lacking = int(cursor.lastrowid or 0), seen.keys
        else:
            lacking = self._extend(person, seen)
        self._connection.executemany(
            self._sql["own_key"], [(key, person) for key in strong(lacking)]
        )
        return person

    def touch(self, seen: TouchSeen) -> None:
        """Keep a touch, and its click."""
        ad = self._ad(seen.ad, seen.at)
        person = self._toucher(seen)
        if person is not None:
            self._do(self._sql["keep_touch"], (person, ACTIONS[seen.action], seen.at, ad))
        if seen.click is not None:
            self._do(self._sql["keep_click"], (seen.click, person, seen.at, ad))

    def spend(self, seen: SpendSeen) -> None:
        """Keep what an ad cost on a day."""
        ad = self._ad(seen.ad, seen.day * _DAY)
        self._do(self._sql["keep_spend"], (seen.day, ad, seen.currency, seen.amount))

    def _toucher(self, seen: TouchSeen) -> int | None:
        """Whose touch it was; one that tells only a click opens an account of its own."""
        if seen.person is not None or strong(seen.keys):
            return self.account(AccountSeen(seen.keys, seen.person))
        if seen.click is None:
            return None
        known = recall.known(self._connection, self._sql, (seen.click,), ())
        click = known.clicks.get(seen.click)
        return click.person if click else self.account(AccountSeen((seen.click,)))

    def _by_id(self, known_as: str) -> int | None:
        row = self._do(self._sql["person_by_id"], (known_as,)).fetchone()
        return int(row[0]) if row else None

    def _extend(self, person: int, seen: AccountSeen) -> tuple[Key, ...]:
        held = unpack(self._do(self._sql["account"], (person,)).fetchone()[0])
        lacking = tuple(key for key in seen.keys if key not in held)
        if lacking:
            self._do(self._sql["name_person"], (seen.id, pack(held + lacking), person))
        return lacking

    def _ad(self, ad: Ad, at: int) -> int:
        path = (ad.ad_id, ad.adset_id, ad.campaign_id, ad.account_id)
        ids = {"account": ad.account_id, "campaign": ad.campaign_id}
        ids |= {"adset": ad.adset_id, "ad": ad.ad_id}
        for kind, name in ad.names.items():
            self._do(self._sql["keep_name"], (kind, ids[kind], name, at))
        if path not in self._ads:
            row = self._do(self._sql["ad"], path).fetchone()
            number = row[0] if row else self._do(self._sql["new_ad"], path).lastrowid
            self._ads[path] = int(number or 0)
        return self._ads[path]
