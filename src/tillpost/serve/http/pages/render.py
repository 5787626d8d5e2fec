"""Templates become answers: the safe headers, the theme, and how values are shown."""

from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tillpost.serve import shown

FOLDER = Path(__file__).parent.parent.parent / "dashboard"
"""Where templates and static files stand."""

SAFE_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
"""On every page: nothing from elsewhere runs, and nobody frames it."""

FILTERS = (
    "money", "whole", "share", "change", "times", "seconds", "moment", "day", "words", "key_name",
)  # fmt: skip
"""Functions of `serve.shown` that templates may use."""

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "tillpost_theme"


def page(name: str, status: int = 200, **values: Any) -> Response:
    """A rendered template with the safe headers."""
    text = rendered(name, **values)
    return Response(text, status, dict(SAFE_HEADERS), media_type="text/html; charset=utf-8")


def rendered(name: str, **values: Any) -> str:
    """A template's text."""
    text: str = _templates().get_template(name).render(**values)
    return text


def theme_of(request: Request) -> str:
    """How this browser wants the pages to look."""
    kept = request.cookies.get(THEME_COOKIE, "")
    return kept if kept in THEMES else "auto"


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update({name: getattr(shown, name) for name in FILTERS})
    return made
