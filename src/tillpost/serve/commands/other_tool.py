"""`tillpost compare` without an order: another tool's payloads beside what is built here."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tillpost.core.outcome import Misconfigured
from tillpost.serve.clock import unix
from tillpost.serve.commands.remote import Remote, settings_of, shop_of
from tillpost.serve.node import GATEWAY_FILE
from tillpost.serve.other_tool import Comparer
from tillpost.serve.seal import AesSealer, read_keys
from tillpost.store.lock import running


class Place:
    """A data directory and one of its shops, through its running server or read alone."""

    def __init__(self, config_file: Path | None, data: Path | None, shop: str | None) -> None:
        self._settings, self._directory = settings_of(config_file, data)
        self._shop = shop_of(self._settings, shop)
        url = running(self._directory)
        self._remote = Remote(url, self._settings, self._shop, "reports") if url else None
        if not (self._directory / GATEWAY_FILE).exists():
            raise Misconfigured(f"there is no {GATEWAY_FILE} in {self._directory}: name --data")

    def of_file(self, text: bytes) -> dict[str, Any]:
        """What `serve.other_tool.Comparer` tells of a file of payloads."""
        if self._remote is not None:
            return self._remote.post(self._path, text.decode("utf-8", "replace"))
        return self._comparer().of_file(self._shop, text)

    def of_dataset(self, since: str, until: str) -> dict[str, Any]:
        """The same of what the other tool sent to the receiver between these ISO times."""
        if self._remote is not None:
            return self._remote.get(f"{self._path}?{urlencode({'from': since, 'to': until})}")
        span = int(unix(since, "since")), int(unix(until, "until"))
        return self._comparer().of_dataset(self._shop, span)

    @property
    def _path(self) -> str:
        return f"/api/v1/compare/{self._shop}"

    def _comparer(self) -> Comparer:
        sealer = AesSealer(*read_keys(self._directory))
        return Comparer(self._settings, self._directory, sealer)
