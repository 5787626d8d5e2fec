"""What is committed is what the source gives, small enough, and safe to paste."""

import gzip
import json
import os
import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from tillpost.collect import pixel
from tillpost.collect.pixel import CheckoutPixel, PixelConfig
from tillpost.core import click
from tillpost.core.outcome import Misconfigured

FOLDER = Path(str(files(pixel)))
BUILT = ("px.js", "stub.js", "theme.js", "shopify.js")
MOST = {"px.js": 2560, "stub.js": 768, "theme.js": 1024, "shopify.js": 3584}
CONFIG = PixelConfig("demo", "https://tp.shop.example")


def test_what_is_sent_is_small_with_every_setting_in_it() -> None:
    everything = PixelConfig(
        "acme-europe", path="/tea", consent="wait", views=False, pixel_id="1234567890123456"
    )
    assert len(gzip.compress(pixel.script(everything), 9)) <= MOST["px.js"]


@pytest.mark.parametrize("name", BUILT)
def test_the_built_files_are_small(name: str) -> None:
    size = len(gzip.compress((FOLDER / name).read_bytes(), 9))
    assert size <= MOST[name], f"{name}: {size} bytes gzipped"


def test_the_built_files_are_what_the_source_gives(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules").is_dir():
        missing = f"no node_modules: run `npm ci` in {FOLDER}"
        if os.environ.get("TILLPOST_ALL") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    command = [node, "build.mjs", str(tmp_path)]
    built = subprocess.run(command, cwd=FOLDER, check=False, capture_output=True, text=True)
    assert built.returncode == 0, f"{built.stderr}\nis node_modules old? run `npm ci` in {FOLDER}"
    for name in BUILT:
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


def test_the_lock_names_no_host() -> None:
    assert "://" not in (FOLDER / "package-lock.json").read_text()


def test_the_stub_is_old_enough_for_tag_managers() -> None:
    text = (FOLDER / "stub.js").read_text()
    assert not re.search(r"=>|`|\b(?:let|const|class)\b|\?\.", text)


def test_the_script_brings_its_settings() -> None:
    built = (FOLDER / "px.js").read_text()
    assert built.count('{shop:""}') == 1
    before, after = built.split('{shop:""}')
    sent = pixel.script(PixelConfig("demo", path="/m", consent="wait")).decode()
    told = sent.removeprefix(before).removesuffix(after)
    assert told == '{shop:"demo",path:"/m",consent:"wait"}'


def test_the_script_keeps_every_click_id_and_nobodys_name() -> None:
    found = re.search(r"^  /(\^.*=)/i;$", (FOLDER / "src" / "landing.ts").read_text(), re.MULTILINE)
    assert found is not None
    kept = re.compile(found[1], re.IGNORECASE)
    left = {row.name for row in click.PARAMETERS if not kept.match(f"{row.name}=")}
    # HubSpot's number of a mailing stands in the same mail's campaign tags.
    assert left == {row.name for row in click.PARAMETERS if row.personal} | {"_hsmi"}


def test_settings_cannot_end_the_element_they_stand_in() -> None:
    text = pixel.snippet("page", PixelConfig("</script><b>", "https://x.example/\u2028"))
    assert "</script><b>" not in text
    assert "\u2028" not in text
    assert "\\u003c/script\\u003e\\u003cb\\u003e" in text


@pytest.mark.parametrize("kind", pixel.KINDS)
def test_every_snippet_is_whole(kind: pixel.Kind) -> None:
    text = pixel.snippet(kind, CONFIG)
    assert not re.search(r"\{\{\w+\}\}", text)
    assert "https://tp.shop.example" in text
    assert ("<script>" in text) is (kind != "shopify")


def test_the_sandbox_gets_the_shops_policies() -> None:
    given = CheckoutPixel(content_id="variant", value="subtotal", identity=True)
    text = pixel.snippet("shopify", PixelConfig("demo", CONFIG.url, checkout=given))
    found = re.search(r"^const tillpost = (.*);$", text, re.MULTILINE)
    assert found is not None
    assert json.loads(found[1]) == {
        "shop": "demo",
        "url": "https://tp.shop.example",
        "path": "/px",
        "content_id": "variant",
        "value": "subtotal",
        "identity": True,
    }


def test_a_snippet_without_an_address_says_what_is_missing() -> None:
    with pytest.raises(Misconfigured, match="public_url"):
        pixel.snippet("theme", PixelConfig("demo"))
