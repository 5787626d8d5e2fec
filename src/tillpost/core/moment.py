"""Times as they are shown: ISO 8601 in UTC."""

from datetime import UTC, datetime


def iso(moment: float) -> str:
    """Unix seconds as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(moment: float) -> str:
    """The UTC day of Unix seconds, in ISO 8601."""
    return iso(moment)[:10]
