"""What Meta takes but measures wrongly: rows about the event itself and its special objects."""

import re
from typing import Final

from tillpost.core.limits import APPEND_LIMIT, CUSTOM_NAME_LIMIT, LDU_NUMBERS
from tillpost.core.rule import (
    EMPTY,
    NONE,
    Hit,
    Object,
    Rule,
    View,
    absent,
    hits,
    integer,
    nearest,
    text,
    unknown,
)
from tillpost.core.vocabulary import (
    APP_DATA_NAMES,
    ATTRIBUTION_METHODS,
    ATTRIBUTION_MODELS,
    ATTRIBUTION_NAMES,
    CUSTOM_DATA_NAMES,
    CUSTOMER_SEGMENTATIONS,
    DECLINE_REASONS,
    MESSAGING_CHANNELS,
    MESSAGING_EVENTS,
    ORIGINAL_EVENT_NAMES,
    OTHER_EVENTS,
    SERVER_EVENT_NAMES,
    STANDARD_EVENT,
    USER_KEY,
)

ADDRESS_IN_TEXT: Final = re.compile(r"[^\s@/?&=](?:@|%40)[^\s@.&]{1,63}\.[A-Za-z]{2}")
"""Something that looks like an e-mail address inside a text or a URL."""

_URL: Final = re.compile(r"(?:https?|android-app|ios-app)://[^\s/?#]+\S*", re.IGNORECASE)
_URL_FIELDS: Final = ("event_source_url", "referrer_url")
_NAMES: Final = {name.lower(): name for name in (*STANDARD_EVENT, *MESSAGING_EVENTS)}
_SEPARATORS: Final = str.maketrans("", "", " _-.")
_APPEND_FIELDS: Final = ("ad_id", "touchpoint_ts", "attribution_share", "attribution_value")
_ATTRIBUTION_ENUMS: Final = (
    ("attribution_model", ATTRIBUTION_MODELS),
    ("attribution_method", ATTRIBUTION_METHODS),
    ("decline_reason", DECLINE_REASONS),
)


def _object(v: View, field: str) -> Object:
    value = v.event.get(field)
    return value if isinstance(value, dict) else EMPTY


def _is_source(v: View, source: str) -> bool:
    return bool(v.event.get("action_source") == source)


def _no_id(v: View) -> tuple[Hit, ...]:
    return hits(_is_source(v, "website") and absent(v.event.get("event_id")), "event_id")


def _id_type(v: View) -> tuple[Hit, ...]:
    value = v.event.get("event_id")
    return hits(value is not None and not isinstance(value, str), "event_id")


def _near_name(v: View) -> tuple[Hit, ...]:
    name = v.event.get("event_name")
    if not isinstance(name, str) or name in STANDARD_EVENT or name in MESSAGING_EVENTS:
        return NONE
    plain = name[:80].translate(_SEPARATORS).lower()
    meant = _NAMES.get(plain) or _NAMES.get(nearest(plain, _NAMES) if len(plain) > 5 else "")
    return (Hit("event_name", f"Nearest standard name: {meant}."),) if meant else NONE


def _long_name(v: View) -> tuple[Hit, ...]:
    name = v.event.get("event_name")
    long = isinstance(name, str) and len(name) > CUSTOM_NAME_LIMIT and name not in OTHER_EVENTS
    return hits(long, "event_name")


def _time_text(v: View) -> tuple[Hit, ...]:
    return hits(v.time is not None and isinstance(v.event["event_time"], str), "event_time")


def _no_source(v: View) -> tuple[Hit, ...]:
    return hits(v.event.get("action_source") is None, "action_source")


def _no_url(v: View) -> tuple[Hit, ...]:
    missing = _is_source(v, "website") and absent(v.event.get("event_source_url"))
    return hits(missing, "event_source_url")


def _wrong_url(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(field)
        for field in _URL_FIELDS
        if not absent(value := v.event.get(field))
        and not (isinstance(value, str) and _URL.fullmatch(value.strip()))
    )


def _personal_url(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(field)
        for field in _URL_FIELDS
        if isinstance(value := v.event.get(field), str)
        and ADDRESS_IN_TEXT.search(value.partition("?")[2])
    )


def _unknown(v: View) -> tuple[Hit, ...]:
    return tuple(Hit(path, _belongs(key)) for key, path in unknown(v.event, SERVER_EVENT_NAMES, ""))


def _belongs(key: str) -> str:
    if key in CUSTOM_DATA_NAMES:
        return "It belongs in custom_data."
    if key in USER_KEY:
        return "It belongs in user_data."
    near = nearest(key, SERVER_EVENT_NAMES)
    return f"Nearest known key: {near}." if near else ""


def _opt_out(v: View) -> tuple[Hit, ...]:
    value = v.event.get("opt_out")
    return hits(value is not None and not isinstance(value, bool), "opt_out")


def _options(v: View) -> object:
    options = v.event.get("data_processing_options")
    return list(options) if isinstance(options, tuple) else options


def _ldu_options(v: View) -> tuple[Hit, ...]:
    return hits(_options(v) not in (None, [], ["LDU"]), "data_processing_options")


def _ldu_country(v: View) -> tuple[Hit, ...]:
    country = v.event.get("data_processing_options_country")
    wrong = country is not None and integer(country) not in {0, 1}
    return hits(wrong, "data_processing_options_country")


def _ldu_state(v: View) -> tuple[Hit, ...]:
    state = v.event.get("data_processing_options_state")
    wrong = state is not None and integer(state) not in LDU_NUMBERS
    return hits(wrong, "data_processing_options_state")


def _ldu_place(v: View) -> tuple[Hit, ...]:
    if _options(v) != ["LDU"]:
        return NONE
    named = (integer(v.event.get("data_processing_options_state")) or 0) != 0
    located = not absent(v.user.get("client_ip_address"))
    return hits(not named and not located, "data_processing_options_state")


def _no_channel(v: View) -> tuple[Hit, ...]:
    channel = v.event.get("messaging_channel")
    missing = channel is None and _is_source(v, "business_messaging")
    wrong = channel is not None and not (isinstance(channel, str) and channel in MESSAGING_CHANNELS)
    return hits(missing or wrong, "messaging_channel")


def _channel_keys(v: View) -> tuple[Hit, ...]:
    channel = v.event.get("messaging_channel")
    keys = MESSAGING_CHANNELS.get(channel, ()) if isinstance(channel, str) else ()
    return tuple(Hit(f"user_data.{key}") for key in keys if absent(v.user.get(key)))


def _tracking(v: View) -> tuple[Hit, ...]:
    value = _object(v, "app_data").get("advertiser_tracking_enabled")
    right = text(value).lower() in {"0", "1", "true", "false"}
    return hits(_is_source(v, "app") and not right, "app_data.advertiser_tracking_enabled")


def _unknown_parts(v: View) -> tuple[Hit, ...]:
    return tuple(
        Hit(path, f"Nearest known key: {near}." if near else "")
        for field, names in (
            ("app_data", APP_DATA_NAMES),
            ("original_event_data", ORIGINAL_EVENT_NAMES),
            ("attribution_data", ATTRIBUTION_NAMES),
        )
        for key, path in unknown(_object(v, field), names, f"{field}.")
        for near in (nearest(key, names),)
    )


def _segmentation(v: View) -> tuple[Hit, ...]:
    places = (
        ("customer_segmentation", v.event),
        ("custom_data.customer_segmentation", v.custom),
    )
    return tuple(
        Hit(path)
        for path, where in places
        if (value := where.get("customer_segmentation")) is not None
        and not (isinstance(value, str) and value in CUSTOMER_SEGMENTATIONS)
    )


def _attribution_enums(v: View) -> tuple[Hit, ...]:
    data = _object(v, "attribution_data")
    return tuple(
        Hit(f"attribution_data.{field}")
        for field, allowed in _ATTRIBUTION_ENUMS
        if (value := data.get(field)) is not None
        and not (isinstance(value, str) and value.lower() in allowed)
    )


def _append_fields(v: View) -> tuple[Hit, ...]:
    if v.event.get("event_name") != "AppendAttribution":
        return NONE
    data, original = _object(v, "attribution_data"), _object(v, "original_event_data")
    missing = [f"attribution_data.{f}" for f in _APPEND_FIELDS if absent(data.get(f))]
    missing += [
        f"original_event_data.{f}" for f in ("event_name", "event_time") if absent(original.get(f))
    ]
    if absent(v.custom.get("currency")):
        missing.append("custom_data.currency")
    return tuple(Hit(path) for path in missing)


def _append_late(v: View) -> tuple[Hit, ...]:
    if v.event.get("event_name") != "AppendAttribution":
        return NONE
    original = integer(_object(v, "original_event_data").get("event_time"))
    late = original is not None and v.now - original > APPEND_LIMIT
    return hits(late, "original_event_data.event_time")


_EVENT: Final = "server event parameters"

EVENT_HINTS: Final = (
    Rule(
        name="event_id.missing",
        path="event_id",
        check=_no_id,
        message="A website event without an id: the browser's copy is counted again.",
        fix="Send the same event_id as the pixel's eventID.",
        evidence="D",
        source="deduplication",
    ),
    Rule(
        name="event_id.type",
        path="event_id",
        check=_id_type,
        message="The id is not a text; the browser's eventID always is.",
        fix="Send event_id as a string, byte for byte as in the browser.",
        evidence="D",
        source=_EVENT,
    ),
    Rule(
        name="event_name.near_standard",
        path="event_name",
        check=_near_name,
        message="The name is close to a standard one, but not the same: it is a custom event.",
        fix="Names are case-sensitive; write the standard name exactly.",
        evidence="D",
        source="standard events; deduplication needs identical names",
    ),
    Rule(
        name="event_name.long",
        path="event_name",
        check=_long_name,
        message=f"The name has more than {CUSTOM_NAME_LIMIT} characters.",
        fix="Use a shorter name; the pixel cannot send this one.",
        evidence="I",
        source="the pixel's limit for custom events",
    ),
    Rule(
        name="event_time.text",
        path="event_time",
        check=_time_text,
        message="The time is a text of digits, not a number.",
        fix="Send a JSON number.",
        evidence="D",
        source=f"{_EVENT}; some documented samples hold texts, which are taken",
    ),
    Rule(
        name="action_source.missing",
        path="action_source",
        check=_no_source,
        message="The event does not say where it happened.",
        fix="Send action_source, for example website.",
        evidence="D",
        source=f"{_EVENT}: required, yet many documented samples omit it",
    ),
    Rule(
        name="event_source_url.missing",
        path="event_source_url",
        check=_no_url,
        message="A website event without the page's address.",
        fix="Send event_source_url with the verified domain.",
        evidence="D",
        source=_EVENT,
    ),
    Rule(
        name="url.malformed",
        path="{event_source_url, referrer_url}",
        check=_wrong_url,
        message="The value is no absolute URL.",
        fix="Send the full address, beginning with https://.",
        evidence="D",
        source=_EVENT,
    ),
    Rule(
        name="url.personal",
        path="{event_source_url, referrer_url}",
        check=_personal_url,
        message="The URL's query holds what looks like an e-mail address.",
        fix="Cut personal parameters from the URL before you send it.",
        evidence="D",
        source="Meta's terms forbid unhashed contact information",
    ),
    Rule(
        name="event.unknown_key",
        path="*",
        check=_unknown,
        message="A server event has no such field.",
        fix="Use a documented field.",
        evidence="D",
        source=_EVENT,
    ),
    Rule(
        name="opt_out.type",
        path="opt_out",
        check=_opt_out,
        message="opt_out is neither true nor false.",
        fix="Send a JSON boolean.",
        evidence="D",
        source=_EVENT,
    ),
    Rule(
        name="ldu.options",
        path="data_processing_options",
        check=_ldu_options,
        message="The options are neither [] nor [LDU].",
        fix='Send ["LDU"] to limit data use, [] not to.',
        evidence="D",
        source="data processing options",
    ),
    Rule(
        name="ldu.country",
        path="data_processing_options_country",
        check=_ldu_country,
        message="The country is neither 0 (geolocate) nor 1 (United States).",
        fix="Send 0 or 1.",
        evidence="D",
        source="data processing options",
    ),
    Rule(
        name="ldu.state",
        path="data_processing_options_state",
        check=_ldu_state,
        message="The state is neither 0 (geolocate) nor a state that Limited Data Use knows.",
        fix="Send 0 or one of the codes from 1000 on.",
        evidence="D",
        source="data processing options",
    ),
    Rule(
        name="ldu.no_place",
        path="data_processing_options_state",
        check=_ldu_place,
        message="Limited Data Use is left to geolocation, but there is no address to locate.",
        fix="Send client_ip_address, or country 1 and the state's code.",
        evidence="D",
        source="data processing options",
    ),
    Rule(
        name="messaging.channel",
        path="messaging_channel",
        check=_no_channel,
        message="The messaging channel is missing or unknown.",
        fix=f"Use one of: {', '.join(MESSAGING_CHANNELS)}.",
        evidence="D",
        source="business messaging",
    ),
    Rule(
        name="messaging.keys",
        path="user_data.{page_id, ctwa_clid, ...}",
        check=_channel_keys,
        message="The messaging channel's own key is missing.",
        fix="Send the ids with which the conversation began.",
        evidence="D",
        source="business messaging",
    ),
    Rule(
        name="app.tracking",
        path="app_data.advertiser_tracking_enabled",
        check=_tracking,
        message="The app event does not say whether tracking is allowed.",
        fix="Send advertiser_tracking_enabled as 0 or 1.",
        evidence="D",
        source="app data parameters",
    ),
    Rule(
        name="parts.unknown_key",
        path="{app_data, original_event_data, attribution_data}.*",
        check=_unknown_parts,
        message="The object has no such field.",
        fix="Use a documented field.",
        evidence="D, S",
        source="app data, original event data and attribution data parameters",
    ),
    Rule(
        name="customer_segmentation.unknown",
        path="customer_segmentation",
        check=_segmentation,
        message="The customer segment is none of the nine that exist.",
        fix="Use for example new_customer_to_business.",
        evidence="D",
        source="customer segmentation",
    ),
    Rule(
        name="attribution_data.enum",
        path="attribution_data.{attribution_model, ...}",
        check=_attribution_enums,
        message="The value is none of those that exist.",
        fix="Use a value of the SDK's list.",
        evidence="S",
        source="attribution data in Meta's SDKs",
    ),
    Rule(
        name="append_attribution.missing",
        path="attribution_data.*",
        check=_append_fields,
        message="AppendAttribution needs this field.",
        fix="Send it; see the attribution data parameters.",
        evidence="D",
        source="append attribution",
    ),
    Rule(
        name="append_attribution.late",
        path="original_event_data.event_time",
        check=_append_late,
        message="AppendAttribution comes more than 48 hours after the original event.",
        fix="Send it sooner; a later one is not used.",
        evidence="D",
        source="append attribution",
    ),
)
"""Warnings about the event itself and its special objects."""
