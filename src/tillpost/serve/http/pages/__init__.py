"""The pages of the dashboard, under one origin with the API."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from tillpost.serve.http.pages import live, overview, people, screen, sending, spend, warming
from tillpost.serve.http.pages.acts import Counter
from tillpost.serve.http.pages.door import Door
from tillpost.serve.http.pages.long_work import LongWork
from tillpost.serve.http.pages.render import FOLDER
from tillpost.serve.node import Node
from tillpost.serve.screens.desk import Desk
from tillpost.serve.summary import SummaryDesk


def routes(node: Node) -> list[BaseRoute]:
    """Every page, its parts and its static files."""
    desk, door = Desk(node), Door(node)
    counter, work = Counter(desk, door), LongWork()
    summaries = SummaryDesk(node)
    warming.begin(desk, summaries.read)
    return [
        *overview.routes(desk, door, work, summaries),
        *screen.routes(desk, door, work),
        *live.routes(desk, door),
        *sending.routes(counter),
        *spend.routes(counter),
        *people.routes(counter),
        *door.routes(),
        Mount("/static", GZipMiddleware(StaticFiles(directory=FOLDER / "static"))),
    ]
