"""The API document: every route is in it, and what it says is what the routes do."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.routing import Route
from tests.live import DATASET, Live

from tillpost.serve import app, development
from tillpost.serve.clock import SystemClock
from tillpost.serve.http import pages
from tillpost.serve.node import Node
from tillpost.serve.openapi import document
from tillpost.serve.seal import Keys
from tillpost.serve.settings import Server

_AWAY = {"/dev/clock", "/dev/token"}
"""Open under a simulated clock only."""


def _documented() -> set[tuple[str, str]]:
    paths = document()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def _routes(folder: Path) -> set[tuple[str, str]]:
    """What the server answers behind its front, less the pages for people."""

    async def read() -> set[tuple[str, str]]:
        settings = development.settings(development.read_secrets(folder), Server())
        node = Node(settings, folder, SystemClock(), Keys(b"k" * 32), "http://127.0.0.1:1")
        behind = app.behind(node)
        shown = {route.path for route in pages.routes(node) if isinstance(route, Route)}
        found = [r for r in behind.routes if isinstance(r, Route) and r.path not in shown]
        await node.close()
        return {
            (method, re.sub(r":\w+}", "}", route.path))
            for route in found
            for method in (route.methods or set()) - {"HEAD"}
        }

    return asyncio.run(read())


def test_every_route_is_documented_and_nothing_else(tmp_path: Path) -> None:
    front = {
        (method, path)
        for method, path in _documented()
        if path.startswith(("/webhooks/", "/events/", "/px/", "/receiver/", "/{version}/"))
    }
    assert _documented() - front == _routes(tmp_path)


def test_every_operation_says_what_it_does_and_what_it_answers() -> None:
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            assert len(told["summary"]) > 8, (method, path)
            assert told["responses"], (method, path)


def test_the_server_gives_the_document(server: Live) -> None:
    reply = server.ask("GET", "/openapi.json")
    assert reply.status == 200
    assert reply.json() == json.loads(json.dumps(document()))


def test_an_unknown_path_is_told_as_every_refusal(server: Live) -> None:
    reply = server.ask("GET", "/api/v1/nothing")
    assert reply.status == 404
    assert reply.json()["error"]["reason"] == "not_found"


@pytest.mark.slow
def test_schemathesis_finds_no_5xx_and_no_answer_but_the_documented(
    start_server: Callable[..., Live], tmp_path: Path
) -> None:
    server = start_server()
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(_settings(server.secrets), "utf-8")
    tool = Path(sys.executable).with_name("schemathesis")
    checks = "not_a_server_error,status_code_conformance,content_type_conformance"
    done = subprocess.run(
        [
            tool,
            f"--config-file={settings}",
            "run",
            f"{server.url}/openapi.json",
            f"--checks={checks},response_schema_conformance",
            "--exclude-path-regex=^/dev",
            f"--max-examples={os.environ.get('TILLPOST_EXAMPLES', '10')}",
            "--phases=examples,coverage,fuzzing",
            "--seed=1",
            "--continue-on-failure",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def _settings(secrets: dict[str, str]) -> str:
    """Names that exist, and the secret of each part of the API."""
    return f"""
        [parameters]
        "path.shop" = "demo"
        "path.version" = "v26.0"
        "path.dataset_id" = "{DATASET}"
        "query.access_token" = "{secrets["access_token"]}"
        [headers]
        Authorization = "Bearer {secrets["server_key"]}"
        [[operations]]
        include-path-regex = "^/receiver"
        headers = {{ Authorization = "Bearer {secrets["receiver_token"]}" }}
    """
