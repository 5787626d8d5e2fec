"""What is deployed: the unit, the container, the proxy and the dashboard, as far as runs here."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.live import Live, free_port, wait_until_up

from tillpost.serve.commands import starter

HERE = Path(__file__).parents[2]
DEPLOY = HERE / "deploy"
_SEALED = shutil.which("unshare") and shutil.which("setpriv") and os.geteuid() == 0


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_unit_is_understood_and_hardened(tmp_path: Path) -> None:
    unit = tmp_path / "tillpost.service"
    text = (DEPLOY / "tillpost.service").read_text()
    unit.write_text(text.replace("/opt/tillpost/bin/tillpost", "/bin/true"))
    told = _run("systemd-analyze", "verify", str(unit))
    assert (told.returncode, told.stdout + told.stderr) == (0, "")
    rated = _run("systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit))
    assert rated.returncode == 0, rated.stdout[-300:]


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_container_keeps_to_its_rules() -> None:
    lines = _instructions((DEPLOY / "Containerfile").read_text())
    last = lines[[name for name, _ in lines].index("FROM", 1) :]
    images = [rest.split()[0] for name, rest in lines if name == "FROM"]
    assert all(re.search(r":\d+\.\d+-", image) for image in images), "images have their version"
    assert "ADD" not in {name for name, _ in lines}
    user = next(rest for name, rest in last if name == "USER")
    assert user.split(":")[0].isdigit(), "an orchestrator can see that it is not root"
    assert user.split(":")[0] != "0"
    assert {"HEALTHCHECK", "VOLUME", "EXPOSE", "STOPSIGNAL"} <= {name for name, _ in last}
    assert not any(name == "RUN" and "pip install" in rest for name, rest in last)
    installs = [rest for name, rest in lines if name == "RUN" and "-r requirements" in rest]
    assert all("--require-hashes" in rest for rest in installs)
    for name, rest in lines:
        if name == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            assert all((HERE / source).exists() for source in sources)


def _instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Containerfile: name and the rest, lines joined."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^\s*#.*\n", "", text))
    return [
        (name, rest)
        for name, _, rest in (line.partition(" ") for line in joined.splitlines())
        if name
    ]


def test_the_proxy_alone_is_trusted() -> None:
    compose = (DEPLOY / "compose.yaml").read_text()
    trusted = re.search(r"TRUSTED_PROXIES: '\[\"([0-9.]+)/32\"\]'", compose)
    caddy = compose[compose.index("\n  caddy:") : compose.index("\nnetworks:")]
    assert trusted is not None
    assert f"ipv4_address: {trusted[1]}" in caddy
    assert "ports:" not in compose[: compose.index("\n  caddy:")], "the server has no port outside"
    assert compose.count("read_only: true") == 2
    assert compose.count("cap_drop: [ALL]") == 2


def test_the_dashboard_asks_for_what_is_measured(server: Live) -> None:
    exposed = server.ask("GET", "/metrics").body.decode()
    known = set(re.findall(r"(?m)^# TYPE (\w+)", exposed))
    board = json.loads((DEPLOY / "grafana.json").read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\btillpost_\w+", target["expr"])
    }
    assert asked
    assert {name.removesuffix("_total") for name in asked} <= {
        name.removesuffix("_total") for name in known
    }
    assert {target["refId"] for panel in board["panels"] for target in panel["targets"]}


def test_a_server_that_could_take_an_order_is_ready(server: Live) -> None:
    assert server.ask("GET", "/readyz").status == 200


@pytest.mark.skipif(not _SEALED, reason="needs root, unshare and setpriv")
def test_it_runs_as_nobody_on_a_read_only_root(sealed: Callable[..., str], tmp_path: Path) -> None:
    """As the unit and the container run it: its own directory is all that it can write to."""
    url = sealed(tmp_path)
    answer = _run("curl", "-sf", f"{url}/readyz")
    assert json.loads(answer.stdout)["ok"], answer.stderr


@pytest.fixture
def sealed() -> Iterator[Callable[..., str]]:
    """Start a server with no capability, as user 10001, where only its data can be written."""
    started: list[subprocess.Popen[bytes]] = []

    def start(folder: Path) -> str:
        for parent in [folder, *folder.parents][:3]:
            parent.chmod(0o755)
        settings, data = folder / "etc", folder / "data"
        starter.write(settings, starter.Answers(domain="acme.example", name="acme"))
        data.mkdir()
        for path in (data, settings, *settings.rglob("*")):
            os.chown(path, 10001, 10001)
        port = free_port()
        command = (
            f"mount --bind {data} {data} && mount -o remount,ro,bind / && "
            "exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs "
            f"--bounding-set=-all --inh-caps=-all {sys.executable} -m tillpost serve "
            f"--config {settings / 'tillpost.toml'} --data {data} --port {port}"
        )
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        started.append(process)
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        return url

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)
