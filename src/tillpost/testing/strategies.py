"""Hypothesis strategies over the vocabulary: events, histories of an outbox, answers.

Hypothesis is not needed to run Tillpost; import this module only in tests.
"""

from decimal import Decimal
from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tillpost.core.event import ActionSource, Device, Direct, Event, Person
from tillpost.core.outcome import Outcome, State
from tillpost.core.wire import Response
from tillpost.testing.entries import FBC, FBP, NOW, SHOP, hashed

texts: SearchStrategy[str] = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40
)
amounts: SearchStrategy[Decimal] = st.decimals(0, 10**6, places=2)
names: SearchStrategy[str] = st.sampled_from(["Purchase", "Lead", "ViewContent", "MyEvent"])
json_values: SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.decimals(0, 100, places=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)

_hashes = texts.map(hashed)
_rows = st.lists(_hashes, min_size=1, max_size=2).map(lambda hs: tuple(("meta", h) for h in hs))
keys: SearchStrategy[dict[str, tuple[tuple[str, str], ...]]] = st.dictionaries(
    st.sampled_from(["em", "ph", "fn", "ln", "ct", "zp", "country", "external_id"]), _rows
)
devices: SearchStrategy[Device] = st.builds(
    Device,
    st.none() | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str),
    st.none() | st.text("abcXYZ/.0 (;)", min_size=1, max_size=40),
)
persons: SearchStrategy[Person] = st.builds(
    Person,
    keys=keys,
    fbc=st.none() | st.just(FBC),
    fbp=st.none() | st.just(FBP),
    plain=st.dictionaries(st.sampled_from(["madid", "lead_id", "subscription_id"]), texts),
)

_custom = st.fixed_dictionaries(
    {"value": amounts, "currency": st.sampled_from(["USD", "JPY", "KWD"])},
    optional={"content_name": texts, "num_items": st.integers(0, 99), "custom": json_values},
)
_options = st.none() | st.just(()) | st.just(("LDU",))

events: SearchStrategy[Event] = st.builds(
    Event,
    shop=st.just(SHOP),
    event_name=names,
    event_id=st.uuids().map(str),
    event_time=st.integers(NOW - 7 * 86400, NOW),
    action_source=st.sampled_from(get_args(ActionSource)),
    event_source_url=st.none() | st.just("https://demo-shop.example/a?utm_source=x"),
    referrer_url=st.none() | st.just("https://www.google.com/"),
    custom_data=st.just({}) | _custom,
    person=persons,
    device=devices,
    data_processing_options=_options,
    data_processing_options_country=st.none() | st.just(1),
    data_processing_options_state=st.none() | st.just(1000),
    extra=st.just({}) | st.just({"opt_out": True}),
    direct=st.sampled_from(get_args(Direct)),
    direct_at=st.none() | st.floats(NOW - 10**6, NOW),
)
"""Any event that the gateway may be asked to send."""

_error = st.fixed_dictionaries(
    {},
    optional={
        "code": json_values | st.integers(0, 90000),
        "error_subcode": json_values,
        "is_transient": json_values,
        "message": json_values,
        "error_user_msg": json_values,
    },
)
bodies: SearchStrategy[Any] = json_values | st.fixed_dictionaries(
    {},
    optional={"events_received": json_values, "fbtrace_id": json_values, "error": _error},
)
"""JSON that a platform might answer with, and much that none ever would."""

_headers = st.dictionaries(
    st.sampled_from(["retry-after", "x-business-use-case-usage", "content-type"]),
    st.text(max_size=30) | st.sampled_from(["60", "²", "9" * 500, '{"1": [{}]}', "-5"]),
)


def responses(encode: Any) -> SearchStrategy[Response]:
    """Any answer: any status, headers and body; `encode` writes JSON values as bytes."""
    return st.builds(
        Response,
        status=st.integers(100, 599),
        headers=_headers,
        body=st.binary(max_size=60) | bodies.map(encode),
    )


outcomes: SearchStrategy[Outcome] = st.one_of(
    st.sampled_from(
        [
            Outcome(State.DELIVERED),
            Outcome(State.DEAD, "refused", "100: no"),
            Outcome(State.EXPIRED, "too_old"),
            Outcome(State.DROPPED, "late_twin"),
        ]
    ),
    st.builds(
        Outcome,
        st.sampled_from([State.PENDING, State.IN_DOUBT, State.PAUSED]),
        st.sampled_from(["transient", "token"]),
        st.none(),
        st.integers(0, 300).map(float),
    ),
)

steps: SearchStrategy[tuple[Any, ...]] = st.one_of(
    st.tuples(st.just("commit"), st.integers(1, 5)),
    st.tuples(
        st.just("move"),
        st.integers(1, 12),
        st.sampled_from([State.PENDING, State.DROPPED, State.HELD]),
    ),
    st.tuples(st.just("lease"), st.integers(1, 4), st.integers(1, 100)),
    st.tuples(st.just("settle"), st.integers(0, 5), outcomes),
    st.tuples(st.just("wait"), st.integers(1, 200)),
    st.tuples(st.just("free")),
)
"""One thing that happens to an outbox; a list of them is its history."""
