"""What can be read by the Graph API's paths: Insights, dataset quality, statistics, the dataset.

GET [/v{N}.{M}]/{act_id | campaign | adset | ad}/insights
GET [/v{N}.{M}]/dataset_quality?dataset_id=
GET [/v{N}.{M}]/{dataset_id}/stats?aggregation=
GET [/v{N}.{M}]/{dataset_id}
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode, urlsplit

from tillpost.core.received import Dataset, SeenKind
from tillpost.core.windows import DAY, WIDEST
from tillpost.core.wire import Request, Response
from tillpost.ports import ReceiverStore
from tillpost.receive import insights, quality, wire
from tillpost.receive.question import Wrong, asked
from tillpost.receive.selection import chosen, selection
from tillpost.receive.wire import Problem

PATH = re.compile(r"(?:/v\d{1,3}\.\d{1,3})?/([A-Za-z0-9_]{1,64})(?:/(insights|stats))?/?")
"""The paths that are read here; the first group is an object's id or `dataset_quality`."""

_WEEK = 7 * 86_400

VERSIONED = re.compile(r"/v\d{1,3}\.\d{1,3}(?:/([^/]*)(/.*)?)?")
"""Any path of the Graph API: the object, and what stands behind it."""

_KINDS: Mapping[str, SeenKind] = {kind: kind for kind in get_args(SeenKind)}

Datasets = Mapping[str, Dataset]


def read(
    request: Request, store: ReceiverStore, datasets: Datasets, now: float, trace_id: str
) -> Response:
    """Meta's answer to a GET of one of the paths; the token must be a dataset's."""
    target = urlsplit(request.url)
    found = PATH.fullmatch(target.path)
    query = dict(parse_qsl(target.query, keep_blank_values=True))
    object_id, edge = (found.group(1), found.group(2)) if found else ("", None)
    token = query.get("access_token") or wire.bearer(request.headers)
    problem = _unauthorised(token, datasets)
    if problem is not None:
        return wire.failed(problem, trace_id)
    reader = _Reader(datasets, token or "", now, _address(request))
    answer = _EDGES[edge or ("quality" if object_id == "dataset_quality" else "node")]
    try:
        told = answer(object_id, query, store, reader)
    except Wrong as wrong:
        return wire.failed(Problem(wire.invalid(str(wrong))), trace_id)
    if told is None:
        return wire.failed(wire.no_object(object_id, "GET"), trace_id)
    return wire.told(told, trace_id)


def unknown(request: Request, datasets: Datasets, trace_id: str) -> Response:
    """Meta's answer to a path of its API that is not here: an edge, or a way to use an object.

    An edge that does not exist is code 2500, as recorded answers have it.
    """
    target = urlsplit(request.url)
    token = dict(parse_qsl(target.query)).get("access_token") or wire.bearer(request.headers)
    found = VERSIONED.fullmatch(target.path)
    name, edge = (found.group(1), found.group(2)) if found else (None, None)
    if problem := _unauthorised(token, datasets):
        return wire.failed(problem, trace_id)
    if edge and edge != "/":
        return wire.failed(wire.no_edge(edge), trace_id)
    return wire.failed(wire.no_object(name or "", request.method), trace_id)


class _Reader:
    """Who reads, and when."""

    def __init__(self, datasets: Datasets, token: str, now: float, address: str) -> None:
        self._datasets = datasets
        self._token = token
        self.now = now
        self.address = address

    def dataset(self, dataset_id: str) -> Dataset | None:
        """The dataset, if it is this token's."""
        found = self._datasets.get(dataset_id)
        if found is None or not _same(found.access_token, self._token):
            return None
        return found


def _insights(
    object_id: str, query: Mapping[str, str], store: ReceiverStore, reader: _Reader
) -> dict[str, Any] | None:
    ads = insights.of_object(store.ads(), object_id)
    if not ads:
        return None
    question = asked(query, reader.now, insights.level_of(ads, object_id))
    since, until = (
        int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        for day in (question.since, question.until)
    )
    latest = until + (max(WIDEST.values()) if question.by_touch else 0)
    facts = insights.Facts(
        store.candidates(since, latest),
        store.touch_counts(since, until),
        store.spend(since // DAY, until // DAY),
        insights.reached(question, ads, store.reach),
    )
    told = insights.answered(question, ads, facts)
    if "next" in told.get("paging", {}):
        following = told["paging"]["cursors"]["after"]
        told["paging"]["next"] = f"{reader.address}?{urlencode({**query, 'after': following})}"
    return told


def _quality(
    _object_id: str, query: Mapping[str, str], store: ReceiverStore, reader: _Reader
) -> dict[str, Any] | None:
    dataset = reader.dataset(query.get("dataset_id", ""))
    if dataset is None:
        return None
    tallies = store.tallies(dataset.id, reader.now - _WEEK, reader.now + 1)
    wanted = selection(query.get("fields", "web"))
    for name in wanted.get("web", ()):
        if name not in quality.FIELDS:
            raise Wrong(f"Tried accessing nonexisting field ({name[:60]})")
    return chosen(quality.dataset_quality(tallies), wanted, ("web",))


def _stats(
    object_id: str, query: Mapping[str, str], store: ReceiverStore, reader: _Reader
) -> dict[str, Any] | None:
    dataset = reader.dataset(object_id)
    if dataset is None:
        return None
    aggregation = query.get("aggregation", "event")
    since = max(_time(query, "start_time", reader.now - _WEEK), reader.now - _WEEK)
    until = _time(query, "end_time", reader.now + 1)
    if aggregation in quality.AGGREGATIONS:
        rows = quality.counted(store.tallies(dataset.id, since, until), aggregation)
    elif (kind := _KINDS.get(aggregation)) is not None:
        rows = store.seen(dataset.id, kind, since, until)
    else:
        raise Wrong(f"aggregation must be one of {', '.join((*quality.AGGREGATIONS, *_KINDS))}")
    return quality.stats(rows, aggregation, query.get("event_source"))


def _node(
    object_id: str, query: Mapping[str, str], _store: ReceiverStore, reader: _Reader
) -> dict[str, Any] | None:
    dataset = reader.dataset(object_id)
    if dataset is None:
        return None
    told = {"id": dataset.id, "name": dataset.id, "is_consolidated_container": True}
    return chosen(told, {**selection(query.get("fields", "id,name")), "id": {}}, tuple(told))


_Edge = Callable[[str, Mapping[str, str], ReceiverStore, _Reader], dict[str, Any] | None]
_EDGES: dict[str, _Edge] = {
    "insights": _insights,
    "quality": _quality,
    "stats": _stats,
    "node": _node,
}


def _unauthorised(token: str | None, datasets: Datasets) -> Problem | None:
    if not token:
        return wire.NO_TOKEN
    known = [_same(dataset.access_token, token) for dataset in datasets.values()]
    return None if any(known) else wire.BAD_TOKEN


def _address(request: Request) -> str:
    """Where the request went, without its query, as its sender knows the server."""
    scheme = request.headers.get("x-forwarded-proto", "http")
    return f"{scheme}://{request.headers.get('host', '')}{urlsplit(request.url).path}"


def _time(query: Mapping[str, str], name: str, default: float) -> float:
    given = query.get(name)
    if given is None:
        return default
    if given.isascii() and given.isdigit() and len(given) < 12:
        return float(given)
    raise Wrong(f"{name} must be Unix seconds")


def _same(known: str, given: str) -> bool:
    return compare_digest(known.encode(), given.encode())
