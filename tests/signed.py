"""A browser without a face: a session's cookie, its pages, and forms as a page sends them."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.live import Live, Reply

FORM = "application/x-www-form-urlencoded"
_PROOF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Session:
    """Somebody who signed in to a server."""

    server: Live
    cookie: str

    def get(self, path: str) -> Reply:
        """A page."""
        return self.server.ask("GET", path, cookie=self.cookie)

    def text(self, path: str) -> str:
        """A page's HTML."""
        reply = self.get(path)
        assert reply.status == 200, (reply.status, reply.headers, reply.body[:500])
        return reply.body.decode()

    def proof(self, path: str = "/events") -> str:
        """The hidden field of a page's forms."""
        found = _PROOF.search(self.text(path))
        assert found is not None
        return found[1]

    def send(self, path: str, *, page: str = "/events", **fields: str) -> Reply:
        """A form of a page, with its proof."""
        form = {"csrf": self.proof(page), "shop": "demo", "back": page, **fields}
        return self.post(path, form)

    def post(self, path: str, form: dict[str, str], **headers: str) -> Reply:
        """A form as it stands."""
        given = {"origin": self.server.url, **headers}
        body = urlencode(form).encode()
        return self.server.ask("POST", path, body, content_type=FORM, cookie=self.cookie, **given)

    def said(self, path: str = "/events") -> str:
        """The notice that the last form left."""
        found = re.search(r'class="notice[^>]*>(.*?)</p>', self.text(path))
        return found[1] if found else ""


def sign_in(server: Live, password: str, name: str = "owner") -> Reply:
    """What the door answers to a name and password."""
    form = urlencode({"username": name, "password": password}).encode()
    return server.ask("POST", "/login", form, content_type=FORM, origin=server.url)


def session_of(reply: Reply, server: Live) -> Session:
    """The session that an answer opens."""
    assert reply.status == 303, reply.body
    return Session(server, reply.headers["set-cookie"].split(";")[0])


def owner(server: Live) -> Session:
    """The development owner's session."""
    return session_of(sign_in(server, server.secrets["admin_password"]), server)
