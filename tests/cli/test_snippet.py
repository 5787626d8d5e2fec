"""`tillpost snippet` prints what a shop pastes, from the shop's own settings."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tillpost.cli.snippet import snippet

SETTINGS = """
[server]
public_url = "https://tp.shop.example/"
[[shops]]
name = "cups"
domain = "cups.myshopify.com"
[shops.catalogue]
content_id = "variant"
"""


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    config = tmp_path / "tillpost.toml"
    config.write_text(SETTINGS)
    return ["--config", str(config), "--data", str(tmp_path / "data")]


def test_a_page_gets_its_shop_and_address(place: list[str]) -> None:
    answer = CliRunner().invoke(snippet, place)
    assert answer.exit_code == 0, answer.output
    assert '"https://tp.shop.example/px.js?shop=cups"' in answer.output
    assert '{"shop":"cups","url":"https://tp.shop.example"}' in answer.output


def test_the_custom_pixel_follows_the_catalogue(place: list[str]) -> None:
    answer = CliRunner().invoke(snippet, [*place, "--shopify", "--events", "checkout"])
    assert answer.exit_code == 0, answer.output
    assert '"content_id":"variant","events":"checkout"' in answer.output
    assert "<script>" not in answer.output


def test_the_custom_pixel_follows_the_shops_own_channel(place: list[str], tmp_path: Path) -> None:
    config = tmp_path / "tillpost.toml"
    config.write_text(SETTINGS + '[shops.shopify]\nwebhook_secrets = ["w"]\nnative = "pixel"\n')
    answer = CliRunner().invoke(snippet, [*place, "--shopify", "--fbevents", "123456789012345"])
    assert answer.exit_code == 0, answer.output
    assert '"fbevents":"123456789012345","native":"pixel"' in answer.output


def test_an_unknown_shop_is_a_usage_error(place: list[str]) -> None:
    answer = CliRunner().invoke(snippet, [*place, "--shop", "mugs"])
    assert answer.exit_code == 2
    assert "shops: cups" in answer.output


def test_a_path_of_the_shops_own_is_in_every_snippet(place: list[str], tmp_path: Path) -> None:
    config = tmp_path / "tillpost.toml"
    config.write_text(SETTINGS + '[shops.pixel]\npath = "/tea"\n')
    for kind in ("--page", "--theme", "--gtm", "--shopify"):
        answer = CliRunner().invoke(snippet, [*place, kind])
        assert answer.exit_code == 0, answer.output
        assert '/tea.js?shop=cups"' in answer.output or '"path":"/tea"' in answer.output
        assert "/px.js" not in answer.output
