"""Signed bodies that could not be read: taking them in once the code or the settings can."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from tillpost.collect.accept import Intake, accept_again
from tillpost.core.books import BadRow
from tillpost.core.outcome import Misconfigured, Permanent, Rejection
from tillpost.ports import Journal, Sealer
from tillpost.store.bad_rows import BadRowStore

_MISSING = Rejection(404, "no_row", "", "there is no bad row of this number")
_BODILESS = Rejection(200, "no_body", "", "its body was erased, or what it was is not known")


class BadRowDesk:
    """Reads bad rows again; `intake` finds where a source's bodies for a shop go."""

    def __init__(
        self,
        store: BadRowStore,
        intake: Callable[[str, str], Intake | None],
        journal: Journal,
        sealer: Sealer,
    ) -> None:
        self._store = store
        self._intake = intake
        self._journal = journal
        self._sealer = sealer

    async def retry(self, ids: Sequence[int] | None, shop: str | None) -> dict[str, Any]:
        """Take these rows in, or all; those that can be read now are bad rows no longer.

        `{"taken": rows, "facts": n, "left": [{"id", "reason", "field", "detail"}]}`. Raises
        `Retryable` if the disk refuses what one tells: that row and those after it stay.
        """
        taken = facts = 0
        left: list[dict[str, Any]] = []
        async for number, row in self._rows(ids, shop):
            found = _MISSING if row is None else await self._again(row)
            if isinstance(found, Rejection):
                why = {"reason": found.reason, "field": found.field, "detail": found.detail}
                left.append({"id": number, **why})
                continue
            await asyncio.to_thread(self._store.drop, number)
            taken, facts = taken + 1, facts + found
        return {"taken": taken, "facts": facts, "left": left}

    async def _rows(
        self, ids: Sequence[int] | None, shop: str | None
    ) -> AsyncIterator[tuple[int, BadRow | None]]:
        for number in ids or ():
            yield number, await asyncio.to_thread(self._store.one, number, shop)
        after = 0
        while ids is None and (page := await asyncio.to_thread(self._store.page, after, shop)):
            for number, row in page:
                yield number, row
            after = page[-1][0]

    async def _again(self, row: BadRow) -> int | Rejection:
        intake = self._intake(row.source, row.shop)
        if intake is None:
            return Rejection(200, "no_source", "", f"this shop takes nothing from {row.source}")
        if not (row.sealed and row.headers):
            return _BODILESS
        try:
            taken = await accept_again(intake, row, self._journal, self._sealer)
        except (Misconfigured, Permanent) as error:
            return Rejection(200, "unreadable", "", str(error))
        return taken.facts if taken.rejection is None else taken.rejection
