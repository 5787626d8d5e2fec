"""What the process says of itself names nobody and shows no secret."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tillpost.serve import development, observe
from tillpost.serve.observe import HIDDEN, Observed, Redactor, RequestIds
from tillpost.serve.settings import Server

SECRET = "EAADsecretsecretsecretsecretsecret"
CANARIES = [
    "ada.lovelace+shop@mail.example",
    "+44 20 7946 0958",
    "+12085550123",
    SECRET,
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "Bearer abc.def-123",
    "access_token=verysecret",
    '"password": "hunter2hunter2"',
    "a" * 64,
    "a secret of the settings",
]


@pytest.fixture
def lines() -> Iterator[list[str]]:
    made: list[str] = []
    secrets = development.Secrets(
        webhook_secret="a secret of the settings",
        server_key="server-key-of-the-settings",
        access_token="access-token-of-settings",
        receiver_token="receiver-token-of-settings",
        admin_password="password-of-the-settings",
    )
    observe.configure(development.settings(secrets, Server()), made.append)
    yield made
    structlog.reset_defaults()


@pytest.mark.parametrize("word", ["a", "1", "a-", "access_token"])
def test_a_very_long_word_is_looked_through_once(word: str) -> None:
    text = word * (1_000_000 // len(word))
    assert Redactor([SECRET])(text) == text


@pytest.mark.parametrize("canary", CANARIES)
def test_nothing_that_names_or_opens_leaves_in_a_line(lines: list[str], canary: str) -> None:
    log = structlog.get_logger("any")
    log.error("failed", text=f"it said {canary} and more", inner={"list": [canary]})
    (line,) = lines
    secret = canary.rsplit(": ", maxsplit=1)[-1].removeprefix("access_token=").strip('"')
    assert secret not in line
    assert HIDDEN in line
    told = json.loads(line)
    assert (told["event"], told["level"]) == ("failed", "error")


def test_what_is_harmless_stays(lines: list[str]) -> None:
    text = "order 5000000001 at 2026-11-24T15:00:00Z, meta:1234567890123456, 100/2804050"
    structlog.get_logger("any").info("told", text=text)
    assert json.loads(lines[0])["text"] == text


def test_every_secret_of_the_settings_is_hidden(lines: list[str]) -> None:
    structlog.get_logger("any").info(
        "told", a="server-key-of-the-settings", b="password-of-the-settings"
    )
    assert "of-the-settings" not in lines[0]


def test_a_closed_pipe_stops_nothing() -> None:
    tried: list[str] = []

    def closed(line: str) -> None:
        tried.append(line)
        raise BrokenPipeError

    settings = development.settings(development.Secrets("w", "s", "a", "r", "p"), Server())
    observe.configure(settings, closed)
    structlog.get_logger("any").error("told")
    structlog.reset_defaults()
    assert len(tried) == 1


def test_a_redactor_without_secrets_hides_what_looks_like_one() -> None:
    assert Redactor(())("mail ada@example.com") == f"mail {HIDDEN}"


def _asked(*headers: tuple[bytes, bytes]) -> tuple[str, str]:
    """The id in the answer, and the id that the handler's log lines carry."""
    seen: list[Any] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        seen.append(observe.request_id())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append(dict(message["headers"])[b"x-request-id"].decode())

    scope = {"type": "http", "headers": list(headers)}
    asyncio.run(Observed(app, RequestIds())(scope, None, send))  # type: ignore[arg-type]
    return seen[1], seen[0]


def test_a_request_has_an_id_in_its_answer_and_in_every_line() -> None:
    answered, logged = _asked()
    assert answered == logged
    assert len(answered) >= 8
    assert _asked((b"x-request-id", b"trace-0001"))[0] == "trace-0001"
    assert _asked((b"x-request-id", b"bad id\xff<script>"))[0] != "bad id"
    assert observe.request_id() is None
