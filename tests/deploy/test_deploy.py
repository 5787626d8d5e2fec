"""What is deployed: the unit, the container, the proxy and the dashboard, as far as runs here."""

import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from tests.live import Live, free_port, wait_until_up
from tests.merchants import signed_shopify
from tests.orders import order

from tillpost.serve.commands import starter

HERE = Path(__file__).parents[2]
DEPLOY = HERE / "deploy"
_TOOLS = ("unshare", "setpriv", "prlimit", "strace", "systemd-analyze", "curl")
_SEALED = os.geteuid() == 0 and all(map(shutil.which, _TOOLS))


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


@pytest.mark.skipif(not shutil.which("caddy"), reason="needs caddy")
def test_the_proxy_s_settings_are_understood(tmp_path: Path) -> None:
    given = {**os.environ, "TILLPOST_HOST": "tp.acme.example", "HOME": str(tmp_path)}
    told = subprocess.run(
        ["caddy", "adapt", "--validate", "--config", str(DEPLOY / "Caddyfile")],
        capture_output=True, text=True, timeout=60, check=False, env=given,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert "tp.acme.example" in told.stdout
    assert "tillpost:8484" in told.stdout


def test_compose_has_only_keys_that_compose_knows() -> None:
    document = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert document.keys() <= {"services", "networks", "volumes"}
    for service in document["services"].values():
        assert service.keys() <= _OF_A_SERVICE
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            known = source in document["volumes"] or source.startswith(("./", "${"))
            assert known, f"{volume}: no such volume"
            assert not source.startswith("./") or (DEPLOY / source).exists()
        assert service["networks"].keys() <= document["networks"].keys()


_OF_A_SERVICE = {
    "build", "cap_add", "cap_drop", "depends_on", "environment", "image", "mem_limit", "networks",
    "ports", "read_only", "restart", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip
"""Of the Compose specification, what is used here."""


@pytest.mark.slow
@pytest.mark.skipif(not _SEALED, reason="needs root, unshare, setpriv and strace")
def test_it_runs_sealed_as_the_unit_says(open_path: Path) -> None:
    """The wheel, compiled, as the unit and the container run it, and all that it asks the kernel.

    A user of its own without a capability, a read-only root, a /proc that shows itself alone,
    the unit's limits; its own directory is all that it can write to.
    """
    with _sealed(open_path) as (url, process):
        ready = json.loads(_run("curl", "-sf", f"{url}/readyz").stdout)
        assert ready["ok"]
        assert _sold(url, open_path / "etc/secrets") == 200
        key = (open_path / "etc/secrets/server_key").read_text().strip()
        bearer = f"authorization: Bearer {key}"
        for path in ("/metrics", "/api/v1/ledger", "/api/v1/reports/channels"):
            told = _run("curl", "-s", "--fail-with-body", "-H", bearer, f"{url}{path}")
            assert told.returncode == 0, told.stdout
    assert process.returncode == 0
    told = json.loads((open_path / "data/where.json").read_text())
    assert told["package"].startswith(str(open_path / "program"))
    assert told["cached"], "its bytecode came with it"
    assert told["uid"] == 10001
    assert not told["wrote_root"]
    asked = _asked(open_path / "data/asked")
    assert asked >= {"openat", "fdatasync", "socket"} or asked >= {"openat", "fsync", "socket"}
    assert asked - _allowed() == set(), "the unit's SystemCallFilter would refuse these"


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are for their owner alone."""
    with tempfile.TemporaryDirectory(prefix="tillpost-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _asked(trace: Path) -> set[str]:
    """The names of the system calls in the files of `strace -ff`."""
    parts = (part.read_text() for part in trace.parent.glob(f"{trace.name}.*"))
    lines = (line for text in parts for line in text.splitlines())
    return {found[1] for line in lines if (found := re.match(r"(\w+)\(", line))}


def _allowed() -> set[str]:
    """The system calls that the unit lets through."""
    given = re.findall(
        r"(?m)^SystemCallFilter=(~?)(.+)$", (DEPLOY / "tillpost.service").read_text()
    )
    allowed: set[str] = set()
    for sign, groups in given:
        named = {call for group in groups.split() for call in _calls(group)}
        allowed = allowed - named if sign else allowed | named
    return allowed


def _calls(group: str) -> set[str]:
    told = _run("systemd-analyze", "syscall-filter", group).stdout
    names = [line.strip() for line in told.splitlines()[1:] if not line.strip().startswith("#")]
    inner = {call for name in names if name.startswith("@") for call in _calls(name)}
    return inner | {name for name in names if name and not name.startswith("@")}


def _sold(url: str, secrets: Path) -> int:
    secret = (secrets / "webhook_secret").read_text().strip()
    return signed_shopify(f"{url}/webhooks/shopify/acme", secret, "acme.example", order())


_PROGRAM = """\
import json, os, pathlib, sys
import tillpost, tillpost.serve.app
def wrote(path):
    try:
        open(path, "w").close()
    except OSError:
        return False
    return True
where = {"package": tillpost.__file__, "uid": os.getuid(), "wrote_root": wrote("/tmp/of-tillpost"),
         "cached": pathlib.Path(tillpost.serve.app.__cached__).exists()}
pathlib.Path(sys.argv.pop(1), "where.json").write_text(json.dumps(where))
from tillpost.cli import main
main()
"""


_AS_NOBODY = ("setpriv", "--reuid", "10001", "--regid", "10001", "--clear-groups")


def _within_reach() -> str:
    """An interpreter of this version that a user of no rights may start."""
    here = f"python3.{sys.version_info.minor}"
    for path in (os.path.realpath(sys.executable), f"/usr/local/bin/{here}", f"/usr/bin/{here}"):
        if _run(*_AS_NOBODY, "test", "-x", path).returncode == 0:
            return path
    pytest.skip(f"no {here} that every user may start")


def _installed(folder: Path) -> Path:
    """The interpreter of an environment that holds the wheel, compiled, and what it needs."""
    _run(_within_reach(), "-m", "venv", "--without-pip", str(folder))
    place = next(folder.glob("lib/python3*/site-packages"))
    build = "import sys, uv_build; print(uv_build.build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=HERE, capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    with zipfile.ZipFile(folder / built.stdout.split()[-1]) as wheel:
        wheel.extractall(place)
    needed = Path(yaml.__file__).parents[1]
    (place / "needed.pth").write_text(f"{needed}\n")
    _run(sys.executable, "-m", "compileall", "-q", str(place / "tillpost"))
    return folder / "bin/python"


@contextmanager
def _sealed(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server with no capability, as user 10001, where only its data can be written."""
    settings, data = folder / "etc", folder / "data"
    starter.write(settings, starter.Answers(domain="acme.example", name="acme"))
    data.mkdir()
    for path in (data, settings, *settings.rglob("*")):
        os.chown(path, 10001, 10001)
    python = _installed(folder / "program")
    port = free_port()
    unit = (DEPLOY / "tillpost.service").read_text()
    wanted = re.search(r"LimitNOFILE=(\d+)", unit)
    assert wanted is not None
    files = min(int(wanted[1]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    serve = (
        f"{python} -c {shlex.quote(_PROGRAM)} {data} serve "
        f"--config {settings / 'tillpost.toml'} --data {data} --port {port}"
    )
    traced = f"strace -ff -qq -s 0 -e signal=none -o {data}/asked {serve}"
    command = (
        f"mount --bind {data} {data} && mount -o remount,ro,bind / && "
        "mount -t proc -o hidepid=invisible,subset=pid proc /proc && umask 0077 && "
        f"exec prlimit --nofile={files} --core=0 setpriv --reuid 10001 --regid 10001 "
        f"--clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all {traced}"
    )
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("TILLPOST_", "PYTHON"))}
    process = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**plain, "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url, process)
        yield url, process
    finally:
        tracer = _run("pgrep", "-P", str(process.pid)).stdout.strip()
        _run("kill", "-TERM", _run("pgrep", "-P", tracer).stdout.strip())
        process.communicate(timeout=60)
