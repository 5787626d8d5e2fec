"""What the pages remember until the server ends: spend files that wait, trials, refusals."""

from msgspec import Struct

from tillpost.core.outcome import Misconfigured
from tillpost.report.spend.csv import Layout

MOST_SHOPS = 20
"""Drafts that are kept; the oldest goes first."""

PROBE = "x-tillpost-probe"
"""Header of what `tillpost doctor` sends to be refused: it is nobody's mistake."""

_TELL_SECONDS = 60.0


class Draft(Struct, frozen=True):
    """A file's text, its name, how to read it, and who put it here."""

    name: str
    text: str
    layout: Layout
    by: str


class Drafts:
    """Spend files that were looked at and not imported yet, one a shop."""

    def __init__(self) -> None:
        self._kept: dict[str, Draft] = {}

    def keep(self, shop: str, draft: Draft) -> None:
        """Keep a shop's draft instead of its last one."""
        self._kept.pop(shop, None)
        self._kept[shop] = draft
        while len(self._kept) > MOST_SHOPS:
            del self._kept[next(iter(self._kept))]

    def of(self, shop: str) -> Draft | None:
        """A shop's draft."""
        return self._kept.get(shop)

    def take(self, shop: str) -> Draft:
        """A shop's draft, which is then gone; raises `Misconfigured` if there is none."""
        draft = self._kept.pop(shop, None)
        if draft is None:
            raise Misconfigured("no file waits: choose one again")
        return draft


class Memory:
    """What only this process knows, and nothing rests on."""

    def __init__(self) -> None:
        self.drafts = Drafts()
        self.trials: dict[str, bool] = {}
        """Whether each shop's last test event was taken."""
        self.refused: dict[tuple[str, str], float] = {}
        """When a request of each shop and kind was last refused for its signature."""
        self.is_ending = False
        """Set before the server stops, so that streams end and do not hold it up."""

    def refuse(self, shop: str, kind: str, now: float) -> bool:
        """Remember a refusal; whether the log should tell of it, which it does once a minute."""
        before = self.refused.get((shop, kind), 0.0)
        self.refused[shop, kind] = now
        return now - before > _TELL_SECONDS
