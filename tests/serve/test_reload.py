"""A server that runs goes on with changed settings: `tillpost apply` tells it, SIGHUP too."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.live import Live, free_port, wait_for, wait_until_up
from tests.merchants import signed_shopify
from tests.orders import order

_LIST = "name,domain,currency,shopify.webhook_secrets,server_keys\n"
_ROW = "{0},{0}.myshopify.com,USD,shpss_{0}_0123456789abcdef,tp_{0}_0123456789abcdef\n"


class Agency(NamedTuple):
    """A folder with a list of shops, and the server that runs on it."""

    folder: Path
    server: Live

    def apply(self, *shops: str) -> str:
        (self.folder / "shops.csv").write_text(_LIST + "".join(map(_ROW.format, shops)))
        return _tillpost(self.folder, "apply", "shops.csv")

    def sell(self, shop: str, number: int) -> int:
        """The status of a webhook; 0 if nobody listens at this moment."""
        url = f"{self.server.url}/webhooks/shopify/{shop}"
        sale = order(id=number, name=f"#{number}")
        try:
            return signed_shopify(
                url, f"shpss_{shop}_0123456789abcdef", f"{shop}.myshopify.com", sale
            )
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


def _tillpost(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tillpost", *words],
        cwd=folder, env=_plain(), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout


def _plain() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    port = free_port()
    (tmp_path / "tillpost.toml").write_text(f"[server]\nport = {port}\n")
    (tmp_path / "shops.csv").write_text(_LIST + _ROW.format("acme"))
    _tillpost(tmp_path, "apply", "shops.csv")
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "tillpost", "serve", "--config", "tillpost.toml"],
        cwd=tmp_path, env=_plain(), stdout=subprocess.DEVNULL, stderr=log,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        yield Agency(tmp_path, Live(url, tmp_path / "tillpost-data", {}, process))
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def test_a_new_shop_is_served_without_a_restart(agency: Agency) -> None:
    assert agency.sell("acme", 1) == 200
    assert agency.sell("globe", 2) == 404
    told = agency.apply("acme", "globe")
    assert f"the server at {agency.server.url} goes on with them" in told
    wait_for(lambda: agency.sell("globe", 2) == 200)
    assert agency.sell("acme", 1) == 200, "the same delivery again"
    assert agency.server.process.poll() is None
    agency.apply("globe")
    wait_for(lambda: agency.sell("acme", 3) == 404)


def test_what_was_acknowledged_meanwhile_is_there(agency: Agency) -> None:
    agency.server.process.send_signal(signal.SIGHUP)
    sold = []
    for number in range(1, 41):
        wait_for(lambda number=number: agency.sell("acme", number) == 200)
        sold.append(number)
        if number == 20:
            agency.server.process.send_signal(signal.SIGHUP)

    def told() -> set[str]:
        text = _tillpost(
            agency.folder, "report", "orders", "--config", "tillpost.toml", "--format", "json"
        )
        return {row["order_id"] for row in json.loads(text)["rows"]}

    wait_for(lambda: len(told()) >= len(sold))
    assert told() == {str(number) for number in sold}


def test_wrong_settings_are_refused_and_nothing_changes(agency: Agency) -> None:
    place = agency.folder / "tillpost.toml"
    good = place.read_text()
    place.write_text(good.replace("currency", "curency"))
    agency.server.process.send_signal(signal.SIGHUP)
    log = agency.folder / "log"
    wait_for(lambda: "did you mean `currency`?" in log.read_text())
    assert agency.sell("acme", 1) == 200
    place.write_text(good.replace("port = ", "port = 1"))
    agency.server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "server.port is another" in log.read_text())
    assert agency.sell("acme", 2) == 200


def test_an_end_is_an_end_also_in_the_middle_of_it(agency: Agency) -> None:
    agency.server.process.send_signal(signal.SIGHUP)
    agency.server.process.send_signal(signal.SIGTERM)
    assert agency.server.process.wait(20) == 0


def test_without_a_server_the_command_says_so(tmp_path: Path) -> None:
    (tmp_path / "shops.csv").write_text(_LIST + _ROW.format("acme"))
    assert "no server runs with these settings here" in _tillpost(tmp_path, "apply", "shops.csv")
