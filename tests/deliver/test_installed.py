"""A destination in a package of its own: installed beside ours, it is one like all others."""

import os
import subprocess
import sys
from pathlib import Path

DESTINATION = '''
"""Sends to the example platform, one event a request."""

from msgspec import json, structs

from tillpost.core import capi
from tillpost.core.event import Device
from tillpost.core.outcome import Outcome, State
from tillpost.core.wire import Request
from tillpost.deliver import contract
from tillpost.deliver.contract import Failure, Limits


class Settings(contract.Settings, frozen=True, kw_only=True, tag="acme"):
    """Whose events go there."""

    api_key: contract.Secret
    """The platform's key."""


UNCLEAR = Failure("no_clear_answer", "anything but 204", State.IN_DOUBT)


class Acme:
    name = "acme"
    limits = Limits(events=1, seconds=5.0)
    failures = (UNCLEAR,)

    def build(self, event, settings):
        return capi.server_event(structs.replace(event, device=Device()))

    def refuses(self, event, built, settings, now):
        return None

    def encode(self, payloads, settings, now):
        headers = {"authorization": settings.api_key, "content-type": "application/json"}
        return Request("POST", "https://acme.example/events", headers, payloads[0])

    def interpret(self, response, payloads):
        if response.status == 204:
            return [Outcome(State.DELIVERED)] * len(payloads)
        return [UNCLEAR.outcome(f"status {response.status}", len(payloads))] * len(payloads)


destination = Acme()
'''
CONFORMANCE = """
from tillpost.deliver import catalog
from tillpost.testing.destination import DestinationSuite

acme = catalog.members()["acme"]


class TestAcme(DestinationSuite):
    destination = acme.destination
    settings = acme.settings(shop="demo", api_key="key-of-acme")
    secrets = ("key-of-acme",)
"""
SETTINGS = """
[[shops]]
name = "demo"
domain = "demo.example"
[[destinations]]
kind = "acme"
shop = "demo"
api_key = "key-of-acme"
"""


def _installed(place: Path) -> dict[str, str]:
    """The environment of a process in which the package is installed, as an installer does it."""
    info = place / "tillpost_acme-1.0.dist-info"
    info.mkdir(parents=True)
    (place / "tillpost_acme.py").write_text(DESTINATION)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tillpost-acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tillpost.destinations]\nacme = tillpost_acme\n")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("TILLPOST_")}
    return {**clean, "PYTHONPATH": str(place)}


def test_it_is_found_passes_the_suite_and_its_secret_is_never_shown(tmp_path: Path) -> None:
    environment = _installed(tmp_path / "site")
    (tmp_path / "test_acme.py").write_text(CONFORMANCE)
    (tmp_path / "tillpost.toml").write_text(SETTINGS)
    python = [sys.executable, "-m"]

    def run(*command: str) -> str:
        done = subprocess.run(
            [*python, *command], cwd=tmp_path, env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.decode()

    assert "6 passed" in run("pytest", "-q", "-p", "no:cacheprovider", "test_acme.py")
    run("tillpost", "config", "check", "--config", "tillpost.toml")
    shown = run("tillpost", "config", "show", "--config", "tillpost.toml")
    assert '"acme"' in shown
    assert "key-of-acme" not in shown
