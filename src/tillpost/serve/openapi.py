"""The OpenAPI document, made of the rows of `serve.operations` and the shapes of `serve.shapes`.

A test compares the rows with the routes that the server has, and Schemathesis the answers
with the shapes.
"""

import re
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec

from tillpost.serve.operations import OPERATIONS, Body, Operation

_PARAMETER = re.compile(r"\{(\w+)\}")
_PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "shop": {"type": "string", "description": "Name of the shop, as the settings have it."},
    "name": {"type": "string", "description": "Name of the report."},
    "number": {"type": "integer", "minimum": 1},
    "version": {"type": "string", "pattern": "^v[0-9]+\\.[0-9]+$", "example": "v26.0"},
    "dataset_id": {"type": "string", "pattern": "^[0-9]+$"},
}
_KEYS = {
    "signature": "A signature of the body under the shop's webhook secret.",
    "dataset": "The dataset's access token: in the query, in the body, or as a Bearer header.",
    "receiver": "The receiver's token.",
}


def document() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    kinds = [body.shape for row in OPERATIONS for body in _bodies(row)]
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    named = iter(schemas)
    paths: dict[str, dict[str, Any]] = {}
    for row in OPERATIONS:
        told = {id(body): next(named) for body in _bodies(row)}
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, told)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tillpost",
            "version": version("tillpost"),
            "summary": "A self-hosted Conversions API, both ends of it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A key or token."}
            },
        },
    }


def _bodies(row: Operation) -> list[Body]:
    answered = [body for body in row.answers.values() if body is not None]
    return [*answered, row.asks] if row.asks is not None else answered


def _operation(row: Operation, told: dict[int, dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "tags": [row.tag],
        "summary": row.says,
        "operationId": _name(row),
        "parameters": [*_path_parameters(row.path), *map(_query_parameter, row.query)],
        "responses": {
            str(status): _answer(status, body, told) for status, body in sorted(row.answers.items())
        },
    }
    if row.asks is not None:
        made["requestBody"] = {
            "required": True,
            "content": {row.asks.media: {"schema": told[id(row.asks)]}},
        }
    if row.key:
        made["description"] = _KEYS.get(row.key, f"A server key with the scope `{row.key}`.")
    if row.key and row.key != "signature":
        made["security"] = [{"bearer": []}]
    return made


def _answer(status: int, body: Body | None, told: dict[int, dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if body is not None:
        made["content"] = {body.media: {"schema": told[id(body)]}}
    return made


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS[name]}
        for name in _PARAMETER.findall(path)
    ]


def _query_parameter(given: tuple[str, str]) -> dict[str, Any]:
    name, says = given
    return {"name": name, "in": "query", "description": says, "schema": {"type": "string"}}


def _name(row: Operation) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", row.path.lower()).strip("_")
    return f"{row.method.lower()}_{words}"
