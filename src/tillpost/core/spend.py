"""What a row of ad spend stands for, so that telling it again replaces it and adds nothing.

A row is of one shop, platform, account and day, and of a campaign, an ad set or an ad.
What has an id is known by it, whatever its name is today; else by its name.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]

OWNER = ("shop", "platform", "day", "account_id")
PARTS = ("campaign", "adset", "ad")
"""From the widest to the narrowest; each has a name and, under `<part>_id`, an id."""


def complete(row: Row) -> dict[str, Any]:
    """The row with None for the claim of a platform that told none."""
    return {"claims_micro": None, "claims_minor": None, **row}


def level(row: Row) -> int:
    """How fine the row is: 3 an ad, 2 an ad set, 1 a campaign or less."""
    return next((n for n in (3, 2) if row[PARTS[n - 1]] or row[f"{PARTS[n - 1]}_id"]), 1)


def replaces(new: Row, old: Row) -> bool:
    """Whether the new row stands for the old one.

    It does if both are the same ad, ad set or campaign of the day, or if they tell the
    same campaign's day at two levels, of which only one may count.
    """
    if any(new[name] != old[name] for name in OWNER) or not _same("campaign", new, old):
        return False
    return level(new) != level(old) or (_same("adset", new, old) and _same("ad", new, old))


def _same(part: str, new: Row, old: Row) -> bool:
    ids = new[f"{part}_id"], old[f"{part}_id"]
    return ids[0] == ids[1] if all(ids) else bool(new[part] == old[part])
