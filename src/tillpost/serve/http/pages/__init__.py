"""The pages of the dashboard, under one origin with the API."""

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from tillpost.serve.http.pages import door, overview
from tillpost.serve.http.pages.render import FOLDER
from tillpost.serve.node import Node


def routes(node: Node) -> list[BaseRoute]:
    """Every page, its parts and its static files."""
    return [
        *overview.routes(node),
        *door.routes(node),
        Mount("/static", StaticFiles(directory=FOLDER / "static")),
    ]
