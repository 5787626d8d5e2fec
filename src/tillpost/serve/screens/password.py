"""One's own password: the page with the form that changes it."""

from tillpost.serve.screens.ask import Ask
from tillpost.serve.screens.desk import Desk
from tillpost.serve.screens.view import Screen, View


def read(_desk: Desk, _ask: Ask) -> View:
    """Nothing but the form."""
    return View()


SCREEN = Screen(
    path="/password",
    title="Your password",
    about="Whoever knows the present password may change it. Every other session of yours ends.",
    read=read,
    template="password.html",
    listed=False,
)
