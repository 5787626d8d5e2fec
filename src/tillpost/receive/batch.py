"""Several calls in one: `POST /` with `batch=[...]`, as every edge of the Graph API takes them.

Each operation is answered as if it had come alone, in the same order; the outer token and
proof are those of operations that bring none (Graph API, batch requests; meta-capi 1.3).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tillpost.core.wire import Request, Response
from tillpost.receive import wire
from tillpost.receive.wire import Problem

PATH = re.compile(r"/(?:v\d{1,3}\.\d{1,3}/?)?")
"""Where a batch is posted."""

MOST = 50
"""Operations in one batch (D)."""

_FORM = "application/x-www-form-urlencoded"


class Batch(Struct, frozen=True):
    """The operations of a call, as requests of their own, or what is wrong with it."""

    operations: Sequence[Request | Problem] = ()
    with_headers: bool = True
    problem: Problem | None = None


def read(request: Request) -> Batch:
    """The calls that a request bundles."""
    fields = _fields(request)
    if isinstance(fields, Problem):
        return Batch(problem=fields)
    token = _text(fields, "access_token") or wire.bearer(request.headers)
    if token is None:
        return Batch(problem=wire.NO_TOKEN)
    listed = _listed(fields.get("batch"))
    if listed is None:
        return Batch(problem=_wrong("batch must be a JSON array of objects"))
    if len(listed) > MOST:
        return Batch(problem=_wrong(f"Too many requests in batch: at most {MOST}"))
    proof = _text(fields, "appsecret_proof")
    operations = [_operation(item, token, proof) for item in listed]
    without = fields.get("include_headers") in (False, "false", "0")
    return Batch(operations, with_headers=not without)


def element(answer: Response, *, with_headers: bool) -> dict[str, Any]:
    """One operation's answer, as it stands in the batch's."""
    told: dict[str, Any] = {"code": answer.status}
    if with_headers:
        told["headers"] = [{"name": name, "value": v} for name, v in answer.headers.items()]
    return {**told, "body": answer.body.decode()}


def _fields(request: Request) -> Mapping[str, Any] | Problem:
    """The names and values of the query and the body, which is a form or JSON."""
    if "json" not in request.headers.get("content-type", "") or not request.body:
        return wire.form_fields(request)
    body = wire.json_object(request)
    if isinstance(body, Problem):
        return body
    return {**wire.form_fields(request._replace(body=b"")), **body}


def _operation(item: Any, token: str, proof: str | None) -> Request | Problem:
    if not isinstance(item, dict) or not isinstance(item.get("relative_url"), str):
        return _wrong("each operation needs a method and a relative_url")
    body = item.get("body", "")
    if not isinstance(body, str):
        return _wrong("the body of an operation must be a string, as a form")
    url = "/" + item["relative_url"].lstrip("/")
    headers = {"content-type": _FORM, "authorization": f"Bearer {token}"}
    request = Request(str(item.get("method", "GET")).upper(), url, headers, body.encode())
    own = wire.form_fields(request)
    if proof is not None and not own.keys() & {"access_token", "appsecret_proof"}:
        mark = "&" if "?" in url else "?"
        request = request._replace(url=f"{url}{mark}appsecret_proof={proof}")
    return request


def _listed(given: Any) -> list[Any] | None:
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given)
        except (ValueError, RecursionError):
            return None
    return given if isinstance(given, list) and given else None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def _wrong(message: str) -> Problem:
    return Problem(replace(wire.invalid(message), type="GraphBatchException"))
