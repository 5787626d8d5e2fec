"""Several shops in one server: nothing of one reaches the other."""

from pathlib import Path

import pytest

from tillpost.serve import configure
from tillpost.serve.access import Access
from tillpost.serve.clock import SystemClock
from tillpost.serve.node import destination_name
from tillpost.serve.settings import Settings

TWO = """
[[shops]]
name = "a"
domain = "a.example"
server_keys = [{ key = "key-of-a-0000000", scopes = ["events", "reports"] }]
[[shops]]
name = "b"
domain = "b.example"
server_keys = ["key-of-b-0000000"]
[[destinations]]
kind = "meta"
shop = "a"
dataset_id = "1"
access_token = "ta"
[[destinations]]
kind = "meta"
shop = "b"
dataset_id = "DATASET"
access_token = "tb"
"""


def _settings(folder: Path, dataset: str) -> Settings:
    path = folder / "tillpost.toml"
    path.write_text(TWO.replace("DATASET", dataset))
    return configure.load(path, {})


@pytest.mark.parametrize(
    ("dataset", "names"), [("2", ["meta:1", "meta:2"]), ("1", ["meta:1@a", "meta:1@b"])]
)
def test_every_shop_has_lines_of_its_own(tmp_path: Path, dataset: str, names: list[str]) -> None:
    settings = _settings(tmp_path, dataset)
    assert [destination_name(d, settings) for d in settings.destinations] == names


def test_a_key_opens_its_own_shop_and_its_own_scopes(tmp_path: Path) -> None:
    access = Access(_settings(tmp_path, "2"), SystemClock())
    ours = {"authorization": "Bearer key-of-a-0000000"}
    assert access.key(ours, "events", "a") is not None
    assert access.key(ours, "events", "b") is None
    assert access.key(ours, "admin", "a") is None
    assert access.key({"authorization": "Bearer key-of-b-0000000"}, "reports", "b") is None
    assert access.key({"authorization": "Basic key-of-a-0000000"}, "events", "a") is None
    assert access.key({}, "events", "a") is None
