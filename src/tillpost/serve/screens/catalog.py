"""Every screen, in the order of the navigation."""

from tillpost.serve.screens import (
    ads,
    audit,
    balance,
    channels,
    cohorts,
    delivery,
    event,
    events,
    models,
    order,
    orders,
    password,
    people,
    portfolio,
    quality,
    replay,
    setup,
    spend,
    utm,
)
from tillpost.serve.screens.view import Screen

SCREENS: tuple[Screen, ...] = (
    channels.SCREEN,
    orders.SCREEN,
    order.SCREEN,
    ads.SCREEN,
    models.SCREEN,
    cohorts.SCREEN,
    events.SCREEN,
    event.SCREEN,
    quality.SCREEN,
    balance.SCREEN,
    delivery.SCREEN,
    replay.SCREEN,
    setup.SCREEN,
    spend.SCREEN,
    utm.SCREEN,
    portfolio.SCREEN,
    people.SCREEN,
    audit.SCREEN,
    password.SCREEN,
)
"""The overview at `/` is a page of its own; all others are these."""
