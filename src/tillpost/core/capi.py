"""An Event in the JSON vocabulary of Meta's Conversions API.

Keys and shapes are those of `docs/reference/events.md`; hashes are chosen from the
event's forms by the table in `core.identity`. Money stays `Decimal` until it is text.
"""

from typing import Any

import msgspec

from tillpost.core import click, identity, validation
from tillpost.core.event import Event

_encoder = msgspec.json.Encoder(decimal_format="number")


def user_data(event: Event, platform: str = "meta") -> dict[str, Any]:
    """Customer information: hashed keys as lists, the rest as plain strings.

    A click cookie that Meta would refuse, or that is too old, is left out (domain rule 16).
    """
    person, device = event.person, event.device
    data: dict[str, Any] = identity.choose(person.keys, platform)
    if person.plain:
        data.update(person.plain)
    if device.client_ip_address:
        data["client_ip_address"] = device.client_ip_address
    if device.client_user_agent:
        data["client_user_agent"] = device.client_user_agent
    fbc = click.usable_fbc(person.fbc, event.event_time)
    if fbc is not None:
        data["fbc"] = fbc
    if person.fbp is not None and click.is_cookie(person.fbp):
        data["fbp"] = person.fbp
    return data


def server_event(event: Event) -> dict[str, Any]:
    """One element of a request's `data`."""
    made: dict[str, Any] = {
        "event_name": event.event_name,
        "event_time": event.event_time,
        "event_id": event.event_id,
        "action_source": event.action_source,
        "user_data": user_data(event),
    }
    if event.event_source_url is not None:
        made["event_source_url"] = event.event_source_url
    if event.referrer_url is not None:
        made["referrer_url"] = event.referrer_url
    if event.custom_data:
        made["custom_data"] = event.custom_data
    if event.data_processing_options is not None:
        made["data_processing_options"] = event.data_processing_options
    if event.data_processing_options_country is not None:
        made["data_processing_options_country"] = event.data_processing_options_country
    if event.data_processing_options_state is not None:
        made["data_processing_options_state"] = event.data_processing_options_state
    if event.extra:
        made.update(event.extra)
    return made


def encode(data: dict[str, Any]) -> bytes:
    """JSON text; a `Decimal` is written as the number it is."""
    return _encoder.encode(data)


def has_match_keys(event: Event) -> bool:
    """Whether Meta would take the event's customer information (100/2804050)."""
    return validation.usable_keys(user_data(event))
