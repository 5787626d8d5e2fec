"""The page that stands while a long one is read: it tells its progress and asks again by itself."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from tillpost.serve.http.pages.frame import Frame
from tillpost.serve.http.pages.long_work import Progress
from tillpost.serve.http.pages.render import SAFE_HEADERS, page
from tillpost.serve.screens.ask import Ask

_MARK = "waiting"


def waiting(request: Request, frame: Frame, asked: Ask, progress: Progress) -> Response:
    """The page's frame with the progress of what it waits for."""
    pairs = [(n, v) for n, v in request.query_params.multi_items() if n != _MARK]
    here = f"{request.url.path}?{urlencode([*pairs, (_MARK, '1')])}"
    return page("waiting.html", **frame.values(asked), progress=progress, here=here)


def is_waiting(request: Request) -> bool:
    """Whether it is that page that asks."""
    return _MARK in request.query_params and "hx-request" in request.headers


def shown_now() -> Response:
    """Tells that page to be loaded anew: what it waits for is there."""
    return Response(status_code=200, headers={**SAFE_HEADERS, "HX-Refresh": "true"})
