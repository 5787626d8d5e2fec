"""Every screen, in the order of the navigation."""

from tillpost.serve.screens import channels, order, orders
from tillpost.serve.screens.view import Screen

SCREENS: tuple[Screen, ...] = (
    channels.SCREEN,
    orders.SCREEN,
    order.SCREEN,
)
"""The overview at `/` is a page of its own; all others are these."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(screen.group for screen in SCREENS))
"""The navigation's groups, in order."""
