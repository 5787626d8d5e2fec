"""Importing ad spend from the command line: through the running server, else into the store."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tillpost.core.outcome import Misconfigured, Retryable
from tillpost.report.spend import csv as spend_csv
from tillpost.serve import configure, development
from tillpost.serve.access import Access
from tillpost.serve.clock import SystemClock
from tillpost.serve.node import GATEWAY_FILE
from tillpost.serve.seal import AesSealer, read_key
from tillpost.serve.settings import Server, Settings
from tillpost.store.gateway_sqlite import GatewayStore
from tillpost.store.lock import hold, running
from tillpost.store.sqlite import Database

_SECONDS = 60.0


def import_file(
    file: Path, config_file: Path | None, data: Path | None, shop: str | None
) -> dict[str, Any]:
    """`{"imported": n, "errors": [...]}`; either every row of the file is kept or none is.

    Raises `Misconfigured` if the file cannot be read or the shop is not known.
    """
    settings, directory = _settings(config_file, data)
    name = _shop(settings, shop)
    text = _text(file)
    url = running(directory)
    if url is not None:
        return _through_server(url, settings, name, text)
    currency = next(s.currency for s in settings.shops if s.name == name)
    rows, errors = spend_csv.read(text, default_currency=currency)
    if errors:
        return {"imported": 0, "errors": [error._asdict() for error in errors]}
    return {"imported": _into_store(directory, rows, name), "errors": []}


def _settings(config_file: Path | None, data: Path | None) -> tuple[Settings, Path]:
    flags = {"server.data": str(data) if data else None}
    settings = configure.load(config_file, configure.environment(), flags)
    directory = configure.data_directory(settings, configure.environment())
    if config_file is None:
        server = Server(data=str(directory))
        settings = development.settings(development.read_secrets(directory), server)
    return settings, directory


def _shop(settings: Settings, given: str | None) -> str:
    names = [shop.name for shop in settings.shops]
    if given is None and len(names) == 1:
        return names[0]
    if given not in names:
        raise Misconfigured(f"name a shop with --shop; shops: {', '.join(names)}")
    return given


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise Misconfigured(f"cannot read {file} ({error.strerror}): name a CSV file") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{file} is not UTF-8 text: export it as CSV UTF-8") from None


def _through_server(url: str, settings: Settings, shop: str, text: str) -> dict[str, Any]:
    key = Access(settings, SystemClock()).any_key("costs", shop)
    if key is None:
        raise Misconfigured(f"no server key of shop {shop} has the scope `costs`: add one")
    request = urllib.request.Request(  # noqa: S310  # the address is our own server's
        f"{url}/api/v1/spend/{shop}",
        text.encode(),
        {"authorization": f"Bearer {key}", "content-type": "text/csv"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        found = json.load(error)
    except OSError as error:
        raise Retryable(f"the server at {url} does not answer ({error}): try again") from None
    if "errors" not in found:
        raise Misconfigured(f"the server at {url} refused it: {found['error']['detail']}")
    return found


def _into_store(directory: Path, rows: Sequence[Mapping[str, Any]], shop: str) -> int:
    with hold(directory):
        database = Database(directory / GATEWAY_FILE, "gateway")
        try:
            store = GatewayStore(database, AesSealer(read_key(directory)))
            return store.add_spend([{**row, "shop": shop} for row in rows])
        finally:
            database.close()
