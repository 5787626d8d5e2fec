"""How a command reaches a data directory: its settings, its shop, and its running server."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.serve import configure, development
from tillpost.serve.access import Access, Scope
from tillpost.serve.clock import SystemClock
from tillpost.serve.settings import Server, Settings

_SECONDS = 60.0


def settings_of(config_file: Path | None, data: Path | None) -> tuple[Settings, Path]:
    """The settings and the data directory; without a file those of development.

    Raises `Misconfigured` if no development server ever ran there: nothing is made here.
    """
    flags = {"server.data": str(data) if data else None}
    settings = configure.load(config_file, configure.environment(), flags)
    directory = configure.data_directory(settings, configure.environment())
    if config_file is None:
        if not (directory / development.FILE).exists():
            raise Misconfigured(
                f"there is no {development.FILE} in {directory}: name the data directory of a "
                "server that ran with --data, or its settings with --config"
            )
        server = Server(data=str(directory))
        settings = development.settings(development.read_secrets(directory), server)
    return settings, directory


def shop_of(settings: Settings, given: str | None) -> str:
    """The shop that is meant: the one named, or the only one; else raises `Misconfigured`."""
    names = [shop.name for shop in settings.shops]
    if given is None and len(names) == 1:
        return names[0]
    if given not in names:
        raise Misconfigured(f"name a shop with --shop; shops: {', '.join(names)}")
    return given


class Remote:
    """The running server of a directory, under a key of one shop with one scope."""

    def __init__(self, url: str, settings: Settings, shop: str, scope: Scope) -> None:
        key = Access(settings, SystemClock()).any_key(scope, shop)
        if key is None:
            raise Misconfigured(
                f"no server key of shop {shop} has the scope `{scope}`: add one to its "
                f'server_keys, e.g. {{ key_file = "secrets/{shop}_key", scopes = ["{scope}"] }}'
            )
        self._url = url
        self._key = key

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at this path; raises as `post`."""
        return self._ask(path, None, {})

    def post(self, path: str, body: str, content_type: str = "application/json") -> dict[str, Any]:
        """The answer, also one that says what is wrong with the body, under `error` or `errors`.

        Raises `Retryable` if the server does not answer.
        """
        return self._ask(path, body.encode(), {"content-type": content_type})

    def _ask(self, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        told = {"authorization": f"Bearer {self._key}", **headers}
        request = urllib.request.Request(self._url + path, body, told)  # noqa: S310  # our own server
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310  # nosec B310
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            found = json.load(error)
        except OSError as error:
            raise Retryable(f"the server does not answer ({error}): try again") from None
        if "error" in found:
            raise Misconfigured(f"the server refused it: {found['error']['detail']}")
        return found
