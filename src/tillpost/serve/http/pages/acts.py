"""What forms do: each may be done by some roles only, from a page of ours, for a shop of theirs.

A form that was done leads back to its page, which says what came of it.
"""

from collections.abc import Awaitable, Callable

import anyio.to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tillpost.core.outcome import Misconfigured
from tillpost.serve.access import COOKIE, is_own
from tillpost.serve.http.api import refusal
from tillpost.serve.http.pages.door import FORM_LIMIT, Door, form_of, own_path
from tillpost.serve.node import Node
from tillpost.serve.screens.desk import Desk
from tillpost.serve.sessions import Act, Notice, Viewer


class Form(Struct, frozen=True):
    """A form that was checked: who sent it, for which shop, its fields."""

    viewer: Viewer
    shop: str
    fields: dict[str, str]

    def field(self, name: str) -> str:
        """A field's text without blanks around it; empty if it is missing."""
        return self.fields.get(name, "").strip()


Done = Callable[[Form], Awaitable[Notice]]


class Counter(Struct, frozen=True):
    """Where the forms of a node's pages are handed in."""

    desk: Desk
    door: Door

    @property
    def node(self) -> Node:
        """The node that does it."""
        return self.desk.node

    def route(self, path: str, act: Act, do: Done, most: int = FORM_LIMIT) -> Route:
        """A route that does something and leads back; at most so many bytes a form."""

        async def handler(request: Request) -> Response:
            viewer = self.door.viewer(request)
            if viewer is None:
                return self.door.turned_away(request)
            try:
                fields = await form_of(request, most)
            except Misconfigured as error:
                return refusal(413, "bad_form", "body", str(error))
            if not is_own(request.headers) or not viewer.is_form(fields.get("csrf", "")):
                return refusal(403, "bad_form", "csrf", "open the page again, send it from there")
            shop = fields.get("shop", "")
            if not viewer.may(act) or shop not in viewer.sees(list(self.node.shops)):
                return refusal(403, "not_allowed", "", "ask an owner of this shop to do it")
            notice = await _said(do, Form(viewer, shop, fields))
            self.node.access.sessions.say(request.cookies.get(COOKIE), notice)
            return RedirectResponse(own_path(fields.get("back", "/")), status_code=303)

        return Route(path, handler, methods=["POST"])

    async def note(self, form: Form, what: str, detail: str = "") -> None:
        """Write into the audit log what somebody did."""
        told = (form.viewer.name, what, detail, form.shop)
        await anyio.to_thread.run_sync(self.node.keeper.note, *told)


async def _said(do: Done, form: Form) -> Notice:
    try:
        return await do(form)
    except Misconfigured as error:
        return Notice(str(error), bad=True)
