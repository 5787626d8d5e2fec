"""Forms of the Users page: users and read-only links come and go."""

import anyio.to_thread
from starlette.routing import BaseRoute

from tillpost.core.outcome import Misconfigured
from tillpost.serve.http.pages.acts import Counter, Form
from tillpost.serve.sessions import Notice


def routes(counter: Counter) -> list[BaseRoute]:
    """`/people/add`, `/people/remove`, `/people/link`, `/people/end-link`, `/password/change`."""
    acts = _People(counter)
    return [
        counter.route("/people/add", "govern", acts.add),
        counter.route("/people/remove", "govern", acts.remove),
        counter.route("/people/link", "govern", acts.link),
        counter.route("/people/end-link", "govern", acts.end_link),
        counter.route("/password/change", "read", acts.change_password),
    ]


class _People:
    """Lets an owner say who may look; the keeper writes each change into the audit log."""

    def __init__(self, counter: Counter) -> None:
        self._node = counter.node

    async def add(self, form: Form) -> Notice:
        """A new user of a role, of one shop or of all."""
        name, role, sees = (form.field(f) for f in ("name", "role", "sees"))
        if form.viewer.shop is not None or (sees and sees not in self._node.shops):
            raise Misconfigured(f"sees: {sees[:50]!r} is no shop that you may share")
        password = form.fields.get("password", "")
        given = (form.viewer.name, name, role, sees or None, password)
        await anyio.to_thread.run_sync(self._node.keeper.add, *given)
        return Notice(f"{name} can sign in now, as {role}.")

    async def remove(self, form: Form) -> Notice:
        """A user and their sessions end."""
        given = (form.viewer.name, form.field("name"))
        await anyio.to_thread.run_sync(self._node.keeper.remove, *given)
        return Notice(f"{form.field('name')} cannot sign in any more.")

    async def change_password(self, form: Form) -> Notice:
        """One's own password, by who knows the present one."""
        old, new, again = (form.fields.get(f, "") for f in ("old", "new", "again"))
        if new != again:
            raise Misconfigured("password: the new one was not typed the same twice")
        change = self._node.keeper.change_own_password
        await anyio.to_thread.run_sync(change, form.viewer, old, new)
        return Notice("The password is changed, and every other session of yours has ended.")

    async def link(self, form: Form) -> Notice:
        """A new read-only link, shown this once."""
        given = (form.viewer.name, form.shop, form.field("label"))
        token = await anyio.to_thread.run_sync(self._node.keeper.make_link, *given)
        url = (self._node.settings.server.public_url or self._node.own_url).rstrip("/")
        return Notice(f"Copy it now, it is not shown again: {url}/open/{token}")

    async def end_link(self, form: Form) -> Notice:
        """A link and the sessions it opened end."""
        number = form.field("number")
        if not number.isdigit():
            raise Misconfigured("number: name the link by its number")
        await anyio.to_thread.run_sync(self._node.keeper.end_link, form.viewer.name, int(number))
        return Notice("The link has ended, and with it every session that it opened.")
