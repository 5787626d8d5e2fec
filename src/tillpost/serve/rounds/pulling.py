"""Reading ad accounts by the clock: what their ads cost, and what the platform claims.

Every account is read at the start and then every few hours. A round reads the last 28 days
again, since platforms restate them; the rows replace what was told before. A round that
fails keeps nothing of that account and tries again later.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from msgspec import Struct

from tillpost.core.moment import iso
from tillpost.core.outcome import Misconfigured, Retryable, TillpostError
from tillpost.core.wire import Request, Response
from tillpost.ports import Clock, Facts, Transport
from tillpost.report.spend import meta_insights
from tillpost.report.spend.meta_insights import Account, Limited, Rows, Wait
from tillpost.serve.rounds.turns import Turns
from tillpost.store.pulls import Pull, PullStore

RESTATED_DAYS = 28
"""A platform may still change what it told of so many days."""

PLATFORM = "meta"
AGAIN_SECONDS = 900.0
WRONG_SECONDS = 3600.0
ANSWER_SECONDS = 60.0

_log = structlog.get_logger("tillpost.pulling")


class Reader(Struct, frozen=True):
    """An account of a shop, and how often it is read."""

    shop: str
    account: Account
    every_seconds: float


class Puller:
    """Reads accounts that are due; one round reads one account."""

    def __init__(
        self,
        readers: Sequence[Reader],
        facts: Facts,
        pulls: PullStore,
        transport: Transport,
        clock: Clock,
    ) -> None:
        self._facts = facts
        self._pulls = pulls
        self._transport = transport
        self._clock = clock
        self._named = {self._name(reader): reader for reader in readers}
        self._turns = Turns(self._named)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End a wait that is under way, so that the node can end."""
        self._stopping.set()

    async def round(self) -> int:
        """Read the first account that is due; returns how many were read."""
        due = self._turns.due(self._clock.now())
        for name in due:
            await self.read(self._named[name])
        return len(due)

    async def read(self, reader: Reader) -> Pull:
        """Read one account now, and keep what it told and how it went."""
        now = self._clock.now()
        trouble: TillpostError | None = None
        rows: Rows = []
        try:
            rows = await self._rows(reader.account, now)
            stamped = [{**row, "shop": reader.shop} for row in rows]
            await asyncio.to_thread(self._facts.add_spend, stamped)
        except TillpostError as error:
            trouble = error
            _log.warning("ad_account_not_read", account=reader.account.account_id, why=str(error))
        pull = Pull(
            shop=reader.shop,
            platform=PLATFORM,
            account_id=reader.account.account_id.removeprefix("act_"),
            tried_at=now,
            read_at=None if trouble else now,
            rows_read=len(rows),
            trouble=str(trouble) if trouble else None,
            next_at=now + _wait(trouble, reader),
        )
        self._turns.put_off(self._name(reader), pull.next_at)
        await asyncio.to_thread(self._pulls.note, pull)
        return pull

    async def _rows(self, account: Account, now: float) -> Rows:
        today = datetime.fromtimestamp(now, UTC).date()
        steps = meta_insights.pull(account, today - timedelta(RESTATED_DAYS - 1), today)
        answer: Response | None = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                rows: Rows = end.value
                return rows
            answer = await self._take(step)

    async def _take(self, step: Request | Wait) -> Response | None:
        if isinstance(step, Wait):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), step.seconds)
                raise Retryable("the server ends")
            return None
        return await self._transport.send(step, ANSWER_SECONDS)

    @staticmethod
    def _name(reader: Reader) -> tuple[str, str]:
        return reader.shop, reader.account.account_id


def shown(pull: Pull) -> dict[str, Any]:
    """How an account was read, as `GET /api/v1/ad-accounts` tells it."""
    return {
        "shop": pull.shop,
        "platform": pull.platform,
        "account_id": pull.account_id,
        "tried_at": iso(pull.tried_at),
        "read_at": None if pull.read_at is None else iso(pull.read_at),
        "rows": pull.rows_read,
        "trouble": pull.trouble,
        "next_at": iso(pull.next_at),
    }


def _wait(trouble: TillpostError | None, reader: Reader) -> float:
    if trouble is None:
        return reader.every_seconds
    if isinstance(trouble, Limited):
        return max(trouble.seconds, AGAIN_SECONDS)
    again = WRONG_SECONDS if isinstance(trouble, Misconfigured) else AGAIN_SECONDS
    return min(again, reader.every_seconds)
