"""`tillpost init` and `tillpost apply`: the first settings of a shop, and of many."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tillpost.cli.apply import apply
from tillpost.cli.init import init
from tillpost.core.outcome import Misconfigured
from tillpost.serve import configure

LIST = """
[defaults]
currency = "EUR"
timezone = "Europe/Berlin"
  [defaults.orders]
  purchase_on = "paid"
  [defaults.meta]
  mode = "shadow"

[templates.us]
currency = "USD"
country = "US"

[[shops]]
name = "tea"
domain = "tea.myshopify.com"
shopify = { webhook_secrets = ["tea-hook-1", "tea-hook-2"] }
meta = { dataset_id = "1", access_token = "EAAtea" }

[[shops]]
name = "cups"
template = "us"
domain = "cups.myshopify.com"
server_keys = ["0123456789abcdef"]
  [shops.orders]
  join_wait = 30
  [shops.meta]
  dataset_id = "2"
  access_token = "EAAcups"
"""

TABLE = """\
name,template,domain,origins,shopify.webhook_secrets,meta.dataset_id,meta.access_token
tea,,tea.myshopify.com,https://tea.example https://www.tea.example,tea-hook,1,EAAtea
cups,us,cups.myshopify.com,,cups-hook,2,EAAcups
"""


def _init(folder: Path, *flags: str) -> Result:
    return CliRunner().invoke(init, [str(folder), *flags])


def _private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_first_run_makes_settings_that_a_server_can_run_with(tmp_path: Path) -> None:
    answer = _init(tmp_path, "--domain", "https://Acme.myshopify.com/", "--country", "de")
    assert answer.exit_code == 0, answer.output
    settings = configure.load(tmp_path / "tillpost.toml", {})
    (shop,) = settings.shops
    assert (shop.name, shop.domain, shop.country) == ("acme", "acme.myshopify.com", "DE")
    assert shop.shopify is not None
    secret = (tmp_path / "secrets/webhook_secret").read_text().strip()
    assert shop.shopify.webhook_secrets == (secret,)
    assert all(_private(path) for path in (tmp_path / "secrets").iterdir())
    assert secret not in (tmp_path / "tillpost.toml").read_text()
    assert secret not in answer.output


def test_a_second_run_changes_nothing_and_says_so(tmp_path: Path) -> None:
    _init(tmp_path, "--domain", "acme.myshopify.com")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    answer = _init(tmp_path, "--domain", "other.example")
    assert answer.exit_code == 0
    assert "nothing was changed" in answer.output
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_run_that_was_cut_short_keeps_its_secrets(tmp_path: Path) -> None:
    _init(tmp_path, "--domain", "acme.myshopify.com")
    (tmp_path / "tillpost.toml").unlink()
    key = (tmp_path / "secrets/server_key").read_text()
    answer = _init(tmp_path, "--domain", "acme.myshopify.com", "--json")
    told = json.loads(answer.output)
    assert told["written"] == [str(tmp_path / "tillpost.toml")]
    assert (tmp_path / "secrets/server_key").read_text() == key


@pytest.mark.parametrize("system", ["woocommerce", "stripe", "events"])
def test_every_shop_system_has_its_table(tmp_path: Path, system: str) -> None:
    _init(tmp_path, "--domain", "acme.example", "--system", system)
    (shop,) = configure.load(tmp_path / "tillpost.toml", {}).shops
    assert {s: getattr(shop, s) is not None for s in ("shopify", "woocommerce", "stripe")} == {
        s: s == system for s in ("shopify", "woocommerce", "stripe")
    }


def test_a_dataset_goes_live_with_its_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("EAAlive\n")
    flags = ("--domain", "acme.example", "--dataset-id", "42")
    assert _init(tmp_path / "without", *flags).exit_code == 2
    answer = _init(tmp_path / "x", *flags, "--access-token-from", str(tmp_path / "token"))
    assert answer.exit_code == 0, answer.output
    settings = configure.load(tmp_path / "x/tillpost.toml", {})
    (destination,) = settings.destinations
    assert (destination.account, destination.is_embedded) == ("42", False)
    assert settings.receiver.datasets == ()


def test_answers_that_no_server_could_run_with_leave_nothing_behind(tmp_path: Path) -> None:
    answer = _init(tmp_path / "x", "--domain", "acme.example", "--site", "https://Acme.example/a")
    assert isinstance(answer.exception, Misconfigured)
    assert "lower case" in str(answer.exception)
    assert not (tmp_path / "x").exists()


def _apply(folder: Path, text: str, *flags: str, name: str = "shops.toml") -> Result:
    (folder / name).write_text(text)
    config = folder / "tillpost.toml"
    return CliRunner().invoke(apply, [str(folder / name), "--config", str(config), *flags])


def test_shops_inherit_from_their_template_and_the_defaults(tmp_path: Path) -> None:
    answer = _apply(tmp_path, LIST)
    assert answer.exit_code == 0, answer.output
    settings = configure.load(tmp_path / "tillpost.toml", {})
    tea, cups = settings.shops
    assert (tea.currency, tea.orders.purchase_on) == ("EUR", "paid")
    assert (cups.currency, cups.country, cups.timezone) == ("USD", "US", "Europe/Berlin")
    assert (cups.orders.purchase_on, cups.orders.join_wait) == ("paid", 30)
    assert [(d.shop, d.account, d.mode) for d in settings.destinations] == [
        ("tea", "1", "shadow"),
        ("cups", "2", "shadow"),
    ]


def test_secrets_of_a_list_stand_apart(tmp_path: Path) -> None:
    _apply(tmp_path, LIST)
    text = (tmp_path / "tillpost.toml").read_text()
    for secret in ("tea-hook-1", "EAAtea", "EAAcups", "0123456789abcdef"):
        assert secret not in text
    assert all(_private(path) for path in (tmp_path / "secrets").iterdir())
    shop = configure.load(tmp_path / "tillpost.toml", {}).shops[0]
    assert shop.shopify is not None
    assert shop.shopify.webhook_secrets == ("tea-hook-1", "tea-hook-2")


def test_what_stands_outside_of_the_marks_is_left_alone(tmp_path: Path) -> None:
    own = '# mine\n[server]\nport = 9000\n\n[[shops]]\nname = "own"\ndomain = "own.example"\n'
    (tmp_path / "tillpost.toml").write_text(own)
    _apply(tmp_path, LIST)
    _apply(tmp_path, LIST[: LIST.index("[[shops]]", LIST.index("[[shops]]") + 1)])
    text = (tmp_path / "tillpost.toml").read_text()
    assert text.startswith(own)
    assert [shop.name for shop in configure.load(tmp_path / "tillpost.toml", {}).shops] == [
        "own",
        "tea",
    ]


def test_applying_again_says_only_what_changes(tmp_path: Path) -> None:
    _apply(tmp_path, LIST)
    before = (tmp_path / "tillpost.toml").stat().st_mtime_ns
    again = json.loads(_apply(tmp_path, LIST, "--json").output)
    assert again == {
        "added": [],
        "changed": [],
        "removed": [],
        "unchanged": 2,
        "secrets": [],
        "told": None,
    }
    assert (tmp_path / "tillpost.toml").stat().st_mtime_ns == before
    told = json.loads(_apply(tmp_path, LIST.replace("EAAtea", "EAAnew"), "--json").output)
    assert told["secrets"] == ["tea-meta-access_token"]
    told = json.loads(_apply(tmp_path, LIST.replace("= 30", "= 31"), "--dry-run", "--json").output)
    assert told["changed"] == ["cups"]
    assert "join_wait = 30" in (tmp_path / "tillpost.toml").read_text()


def test_a_table_of_shops_is_a_list_too(tmp_path: Path) -> None:
    (tmp_path / "shops.defaults.toml").write_text('[templates.us]\ncountry = "US"\n')
    answer = _apply(tmp_path, TABLE, name="shops.csv")
    assert answer.exit_code == 0, answer.output
    tea, cups = configure.load(tmp_path / "tillpost.toml", {}).shops
    assert tea.origins == ("https://tea.example", "https://www.tea.example")
    assert (tea.country, cups.country) == (None, "US")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('name = "cups"', 'name = "tea"'), ["two shops", "tea"]),
        (('template = "us"', 'template = "uk"'), ["uk", "us"]),
        (('name = "cups"', 'name = "Cups!"'), ["shop 2", "Cups!"]),
        (("[defaults]", "[default]"), ["default"]),
        (("join_wait", "join_wayt"), ["join_wayt", "join_wait"]),
        (('dataset_id = "2"', 'dataset = "2"'), ["dataset", "dataset_id"]),
        (("[defaults]", "[defaults"), ["TOML"]),
    ],
)
def test_a_list_that_is_wrong_changes_nothing(
    tmp_path: Path, change: tuple[str, str], words: list[str]
) -> None:
    answer = _apply(tmp_path, LIST.replace(*change))
    assert isinstance(answer.exception, Misconfigured)
    assert all(word in str(answer.exception) for word in words), answer.exception
    assert not (tmp_path / "tillpost.toml").exists()
    assert not (tmp_path / "secrets").exists()
