"""Proof of deduplication: what was seen of one sale, and what became of each sighting."""

from collections.abc import Sequence
from typing import Any


def proof(group: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One event that counts with its duplicates, told as one row.

    `state` is `merged` where browser and server are joined, else the side that was alone.
    `joined_by` names what they had in common, `repeats` counts what came again from the
    same side, and `apart` says why a likely twin was not joined.
    """
    counted = next(item for item in group if item["duplicate_of"] is None)
    sides = {side: sum(item["source"] == side for item in group) for side in ("browser", "server")}
    alone = [side for side, seen in sides.items() if seen]
    joined = {item["joined_by"] for item in group if item["joined_by"]}
    return {
        "id": counted["id"],
        "dataset_id": counted["dataset_id"],
        "event_name": counted["event_name"],
        "event_id": counted["event_id"],
        "order_id": counted["order_id"],
        "state": f"{alone[0]}_only" if len(alone) == 1 else "merged",
        "kept": counted["source"],
        "joined_by": sorted(joined),
        "repeats": sum(max(0, seen - 1) for seen in sides.values()),
        "apart": counted["apart"],
        **sides,
        "sightings": list(group),
    }
