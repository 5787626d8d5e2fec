"""Where every setting comes from, and secrets that stand in files of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from tillpost.cli.config import config
from tillpost.core.outcome import Misconfigured
from tillpost.serve import configure, origins

TEXT = """\
[server]
public_url = "https://tp.acme.example"  # where it is

[[shops]]
name = "acme"
domain = "acme.myshopify.com"
origins = [
  "https://acme.example",  # name = "none"
  "https://www.acme.example",
]
  [shops.orders]
  purchase_on = "paid"
  [[shops.channels]]
  channel = "Print"
  conditions = [{ field = "source", op = "exact", value = "flyer" }]

[[shops]]
name = "tea"
domain = "tea.myshopify.com"
  [shops.shopify]
  webhook_secrets_file = "secrets/hook"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tillpost.toml"
    path.write_text(TEXT)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/hook").write_text("now-secret\nold-secret\n")
    return path


def test_every_key_is_found_on_its_own_line() -> None:
    assert origins.places(TEXT) == {
        "server.public_url": 2,
        "shops.0.name": 5,
        "shops.0.domain": 6,
        "shops.0.origins": 7,
        "shops.0.orders.purchase_on": 12,
        "shops.0.channels.0.channel": 14,
        "shops.0.channels.0.conditions": 15,
        "shops.1.name": 18,
        "shops.1.domain": 19,
        "shops.1.shopify.webhook_secrets_file": 21,
    }


def _halves(line: str) -> tuple[str, str]:
    where, _, key = line.partition("\t")
    return where, key


def test_show_says_file_variable_flag_or_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILLPOST_SHOPS__1__COUNTRY", "DE")
    place = ["--config", str(file), "--data", "elsewhere"]
    answer = CliRunner().invoke(config, ["show", "--origin", *place])
    assert answer.exit_code == 0, answer.output
    told = {key: where for where, key in map(_halves, answer.output.splitlines())}
    assert told['shops.1.name = "tea"'] == f"{file}:18"
    assert told['shops.1.country = "DE"'] == "TILLPOST_SHOPS__1__COUNTRY"
    assert told['server.data = "elsewhere"'] == "--data"
    assert told["server.port = 8484"] == "default"
    assert told['shops.1.shopify.webhook_secrets = "***"'] == f"{file}:21"
    assert "secret\n" not in answer.output


def test_secrets_are_read_from_files_beside_the_settings(file: Path) -> None:
    shop = configure.load(file, {}).shops[1]
    assert shop.shopify is not None
    assert shop.shopify.webhook_secrets == ("now-secret", "old-secret")


def test_a_secret_list_may_come_from_a_variables_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("0123456789abcdef\n")
    named = {"TILLPOST_SHOPS__0__SERVER_KEYS_FILE": str(tmp_path / "keys")}
    assert configure.load(file, named).shops[0].server_keys == ("0123456789abcdef",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda hook: hook.unlink(), ["webhook_secrets_file", "No such file"]),
        (lambda hook: hook.write_text("\n"), ["webhook_secrets_file", "is empty"]),
        (lambda hook: hook.write_bytes(b"\xff\xfe"), ["webhook_secrets_file", "not UTF-8"]),
    ],
)
def test_a_secrets_file_that_is_no_good_is_told(
    file: Path, change: Callable[[Path], None], words: list[str]
) -> None:
    change(file.parent / "secrets/hook")
    with pytest.raises(Misconfigured) as told:
        configure.load(file, {})
    assert all(word in str(told.value) for word in words), told.value


def test_a_secret_is_given_once(file: Path) -> None:
    file.write_text(TEXT + '  webhook_secrets = ["again"]\n')
    with pytest.raises(Misconfigured, match="both set"):
        configure.load(file, {})
