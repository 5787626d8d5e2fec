"""The pages of the dashboard, under one origin with the API."""

from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from tillpost.serve.http.pages import overview, screen
from tillpost.serve.http.pages.door import Door
from tillpost.serve.http.pages.render import FOLDER
from tillpost.serve.node import Node
from tillpost.serve.screens.desk import Desk


def routes(node: Node) -> list[BaseRoute]:
    """Every page, its parts and its static files."""
    desk, door = Desk(node), Door(node)
    return [
        *overview.routes(desk, door),
        *screen.routes(desk, door),
        *door.routes(),
        Mount("/static", GZipMiddleware(StaticFiles(directory=FOLDER / "static"))),
    ]
