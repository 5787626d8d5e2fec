"""What a browser or a back end told, as the event that a destination is sent."""

from msgspec import structs

from tillpost.core.consent import Decision
from tillpost.core.event import BrowserSeen, Device, Entry, Event, Person, ServerSeen
from tillpost.core.shop import Shop


def browser_event(entry: Entry, seen: BrowserSeen, shop: Shop) -> Event:
    """A browser's event; its money and its identity were left behind at the door."""
    return Event(
        shop=shop.name,
        event_name=seen.event_name,
        event_id=seen.event_id,
        event_time=seen.event_time,
        action_source="website",
        event_source_url=seen.event_source_url,
        referrer_url=seen.referrer_url,
        custom_data=seen.custom_data,
        person=seen.person,
        device=seen.device,
        direct=seen.direct,
        direct_at=entry.received_at,
    )


def server_event(entry: Entry, seen: ServerSeen, shop: Shop) -> Event:
    """A back end's event; a clock that is ahead tells nothing of the future."""
    return Event(
        shop=shop.name,
        event_name=seen.event_name,
        event_id=seen.event_id,
        event_time=min(seen.event_time, int(entry.received_at)),
        action_source=seen.action_source,
        event_source_url=seen.event_source_url,
        referrer_url=seen.referrer_url,
        custom_data=seen.custom_data,
        person=seen.person,
        device=seen.device,
        extra=seen.extra,
    )


def twin(old: Event, new: Event) -> Event:
    """The later report of one event, with who and whose browser only the earlier one told."""
    mine, theirs = new.person, old.person
    person = Person(
        keys=mine.keys or theirs.keys,
        fbc=mine.fbc or theirs.fbc,
        fbp=mine.fbp or theirs.fbp,
        plain={**theirs.plain, **mine.plain},
    )
    device = old.device if new.device == Device() else new.device
    return structs.replace(new, person=person, device=device)


def limited(event: Event, decision: Decision) -> Event:
    """The event with the data processing options that the consent asks for."""
    if decision.verdict != "limited":
        return event
    return structs.replace(
        event,
        data_processing_options=tuple(decision.data_processing_options or ()),
        data_processing_options_country=decision.country,
        data_processing_options_state=decision.state,
    )
