"""Settings: file, then environment, then flags; every mistake named with its place."""

from pathlib import Path
from typing import Any

import pytest

from tillpost.core.outcome import Misconfigured
from tillpost.deliver.destinations import meta
from tillpost.serve import configure
from tillpost.serve.settings import Settings

FULL = """
[server]
port = 9000
trusted_proxies = ["10.0.0.0/8"]

[[shops]]
name = "acme"
domain = "acme.myshopify.com"
currency = "EUR"
server_keys = ["0123456789abcdef", { key = "fedcba9876543210", scopes = ["reports"] }]

  [shops.shopify]
  webhook_secrets = ["s3cret-now", "s3cret-before"]

  [shops.orders]
  purchase_on = "paid"

[[destinations]]
kind = "meta"
shop = "acme"
dataset_id = "42"
access_token = "EAAtoken"
"""

SHOP = '[[shops]]\nname = "acme"\ndomain = "acme.myshopify.com"\n'


def _file(folder: Path, text: str) -> Path:
    path = folder / "tillpost.toml"
    path.write_text(text)
    return path


def _load(
    folder: Path, text: str, environment: dict[str, str] | None = None, **flags: Any
) -> Settings:
    dotted = {name.replace("__", "."): value for name, value in flags.items()}
    return configure.load(_file(folder, text), environment or {}, dotted)


def test_a_file_is_read_into_types(tmp_path: Path) -> None:
    settings = _load(tmp_path, FULL)
    (shop,) = settings.shops
    assert (settings.server.port, shop.currency, shop.orders.purchase_on) == (9000, "EUR", "paid")
    assert shop.shopify is not None
    assert shop.shopify.webhook_secrets == ("s3cret-now", "s3cret-before")
    assert settings.destinations[0].account == "42"


def test_nothing_given_is_the_defaults() -> None:
    settings = configure.load(None, {})
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8484)
    assert settings.shops == ()


def test_the_environment_wins_over_the_file_and_flags_over_both(tmp_path: Path) -> None:
    environment = {"TILLPOST_SERVER__PORT": "9001", "TILLPOST_SHOPS__0__COUNTRY": "DE"}
    assert _load(tmp_path, FULL, environment).server.port == 9001
    assert _load(tmp_path, FULL, environment).shops[0].country == "DE"
    assert _load(tmp_path, FULL, environment, server__port=9002).server.port == 9002


def test_a_flag_that_was_not_given_changes_nothing(tmp_path: Path) -> None:
    assert _load(tmp_path, FULL, server__port=None).server.port == 9000


def test_lists_grow_by_their_next_place(tmp_path: Path) -> None:
    environment = {
        "TILLPOST_RECEIVER__DATASETS__0__ID": "1",
        "TILLPOST_RECEIVER__DATASETS__0__ACCESS_TOKEN": "t",
        "TILLPOST_SHOPS__0__ORIGINS": '["https://a.example"]',
    }
    settings = _load(tmp_path, FULL, environment)
    assert settings.receiver.datasets[0].id == "1"
    assert settings.shops[0].origins == ("https://a.example",)


def test_a_destination_is_given_by_the_environment_alone(tmp_path: Path) -> None:
    environment = {
        "TILLPOST_DESTINATIONS__1__KIND": "tiktok",
        "TILLPOST_DESTINATIONS__1__SHOP": "acme",
        "TILLPOST_DESTINATIONS__1__ACCESS_TOKEN": "tt-token",
        "TILLPOST_DESTINATIONS__1__PIXEL_CODE": "CPIXEL",
    }
    settings = _load(tmp_path, FULL, environment)
    assert [(d.kind, d.account) for d in settings.destinations] == [
        ("meta", "42"),
        ("tiktok", "CPIXEL"),
    ]
    assert "tt-token" not in str(configure.shown(settings))


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("EAAfromfile\n")
    environment = {"TILLPOST_DESTINATIONS__0__ACCESS_TOKEN_FILE": str(tmp_path / "token")}
    (destination,) = _load(tmp_path, FULL, environment).destinations
    assert isinstance(destination, meta.Settings)
    assert destination.access_token == "EAAfromfile"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nhots = 'x'\n", [":2:", "`server.hots`", "`host`"]),
        ("[servers]\n", [":1:", "`servers`", "`server`"]),
        (FULL.replace("currency", "curency"), [":9:", "`shops.curency`", "`currency`"]),
        (FULL.replace("purchase_on", "purchase"), ["`shops.orders.purchase`", "purchase_on"]),
        (FULL.replace('"paid"', '"never"'), ["never", "purchase_on"]),
        (f'{SHOP}pixel = {{ path = "/api" }}', ["`/api`"]),
        (f'{SHOP}pixel = {{ path = "tea/" }}', ["`tea/`", '"/tea"']),
        (f'{SHOP}origins = ["https://A.example/"]', ["`https://A.example/`", "lower case"]),
        (f'{SHOP}orders = {{ testers = ["acme"] }}', ["shops.orders.testers", "'acme'", "@"]),
        (FULL.replace("9000", '"many"'), ["int", "server.port"]),
        (FULL.replace('shop = "acme"', 'shop = "acne"'), ["acne", "acme"]),
        (FULL + FULL[FULL.index("[[shops]]") :], ["two shops", "acme"]),
        ("[server\n", ["not valid TOML"]),
        (FULL.replace("dataset_id", "dataset"), [":21:", "`destinations.dataset`", "`dataset_id`"]),
        (FULL.replace('kind = "meta"', 'kind = "mata"'), [":19:", "`mata`", "`meta`"]),
        (FULL.replace('kind = "meta"', 'kind = "tiktok"'), ["`destinations.dataset_id`"]),
        (FULL.replace('kind = "meta"\n', ""), ["kind"]),
        (
            FULL[: FULL.index("[[dest")]
            + '[[destinations]]\nkind = "webhook"\nshop = "acme"\nurl = "https://a.example"\n'
            + 'secrets = ["whsec_???"]\n',
            ["signing secret", "destinations"],
        ),
        ("[[shops]]\nname = 'x'\n", ["domain"]),
        (
            f'{FULL}[[receiver.datasets]]\nid = "1"\naccess_token = "t"\nbeside = "mugs"\n',
            ["receiver.datasets", "mugs", "acme"],
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(Misconfigured) as told:
        _load(tmp_path, text)
    message = str(told.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "name",
    ["TILLPOST_SERVER__PROT", "TILLPOST_SHOPS__7__NAME", "TILLPOST_SHOPS__0__ORIGINS_FILE"],
)
def test_a_wrong_variable_is_told_by_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match=name.removeprefix("TILLPOST_")[:5]):
        _load(tmp_path, FULL, {name: "/nowhere"})


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="--config"):
        configure.load(tmp_path / "none.toml", {})


def test_no_secret_is_shown(tmp_path: Path) -> None:
    lines = "\n".join(configure.as_lines(configure.shown(_load(tmp_path, FULL))))
    for secret in ("0123456789abcdef", "fedcba9876543210", "s3cret-now", "EAAtoken"):
        assert secret not in lines
    assert 'shops.0.name = "acme"' in lines


def test_where_the_data_is(tmp_path: Path) -> None:
    assert configure.data_directory(configure.load(None, {}), {}) == Path("tillpost-data")
    assert configure.data_directory(configure.load(None, {}), {"TILLPOST_DATA": "/x"}) == Path("/x")
    named = configure.load(None, {}, {"server.data": str(tmp_path)})
    assert configure.data_directory(named, {"TILLPOST_DATA": "/x"}) == tmp_path
