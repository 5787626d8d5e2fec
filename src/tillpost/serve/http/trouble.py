"""An error that nobody expected: the log gets the places and no values, the client an id."""

import traceback

import structlog

from tillpost.serve.observe import request_id

_log = structlog.get_logger("tillpost.serve")
_PLACES = 8


def noted(path: str, error: Exception) -> str:
    """Log where a request failed; returns what may be told of it."""
    places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error("request_failed", path=path, error=type(error).__name__, at=places[-_PLACES:])
    return f"something went wrong here; it was logged as {request_id()}"
