"""OpenTelemetry: a collector gets traces, metrics and the log, and nobody in them."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.live import free_port, running, wait_for
from tests.orders import order

from tillpost.core.outcome import Misconfigured
from tillpost.serve import configure
from tillpost.serve.settings import TelemetrySettings
from tillpost.serve.telemetry import NOT_SENT, Telemetry

_KINDS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


class Collector:
    """A stand-in for an OpenTelemetry collector: what came, by path, and under which header."""

    def __init__(self) -> None:
        self.came: dict[str, list[Any]] = {path: [] for path in _KINDS}
        self.headers: set[str | None] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.came[self.path].append(_KINDS[self.path].FromString(body))
                collector.headers.add(self.headers.get("authorization"))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def text(self, path: str) -> str:
        return "".join(str(message) for message in self.came[path])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with closing(Collector()) as made:
        yield made


def test_a_collector_is_told_and_nobody_is_in_it(collector: Collector, tmp_path: Path) -> None:
    given = {
        "ENDPOINT": collector.url,
        "AUTHORIZATION": "Bearer of-the-collector",
        "EVERY_SECONDS": "0.5",
    }
    flags = {f"TILLPOST_TELEMETRY__{name}": value for name, value in given.items()}
    with running(tmp_path / "data", environment=flags) as server:
        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        assert server.webhook(order()).status == 200
        server.ask("GET", "/receiver/requests/7?token=secret-of-mine", traceparent=parent)
        server.ask("GET", "/nobody/ada@mail.example")
        server.purchase(str(order()["id"]))
        wait_for(lambda: "tillpost_events" in collector.text("/v1/metrics"))
    spans, metrics = collector.text("/v1/traces"), collector.text("/v1/metrics")
    assert 'name: "POST /webhooks/shopify/{shop}"' in spans
    assert 'name: "GET /receiver/requests/{number}"' in spans
    assert 'name: "GET other"' in spans
    assert "SPAN_KIND_CLIENT" in spans
    traces = [
        span.trace_id.hex()
        for message in collector.came["/v1/traces"]
        for resource in message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert "0af7651916cd43dd8448eb211c80319c" in traces, "the caller's trace goes on"
    assert 'name: "http.server.request.duration"' in metrics
    assert 'name: "tillpost_ledger_imbalance"' in metrics
    assert collector.headers == {"Bearer of-the-collector"}
    everything = spans + metrics + collector.text("/v1/logs")
    for secret in ("mail.example", "secret-of-mine", *server.secrets.values()):
        assert secret not in everything


def test_the_log_is_told_after_its_redaction(collector: Collector) -> None:
    with closing(Telemetry(TelemetrySettings(endpoint=collector.url))) as telemetry:
        telemetry.log('{"event": "round_failed", "level": "error", "round": "fold", "n": [1]}')
        telemetry.log(f'{{"event": "{NOT_SENT}", "level": "warning"}}')
    told = collector.text("/v1/logs")
    assert 'string_value: "round_failed"' in told
    assert "SEVERITY_NUMBER_ERROR" in told
    assert NOT_SENT not in told


def test_a_collector_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    flags = {"TILLPOST_TELEMETRY__ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    with running(tmp_path / "data", environment=flags) as server:
        assert server.webhook(order()).status == 200
        server.process.terminate()
        told = server.process.communicate(timeout=20)[0].decode()
    assert server.process.returncode == 0
    assert "Traceback" not in told
    assert {json.loads(line)["event"] for line in told.splitlines() if line[0] == "{"} >= {NOT_SENT}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ('endpoint = "127.0.0.1:4318"', "no address of a collector"),
        ('endpoint = "http://127.0.0.1:4318"\nshare = 2.0', "share"),
    ],
)
def test_wrong_settings_are_told(given: str, words: str) -> None:
    with pytest.raises(Misconfigured, match=words):
        configure.parse(f"[telemetry]\n{given}\n", Path("tillpost.toml"), {})


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tillpost.serve.configure.find_spec", lambda _: None)
    text = '[telemetry]\nendpoint = "http://127.0.0.1:4318"\n'
    with pytest.raises(Misconfigured, match=r"pip install 'tillpost\[otel\]'"):
        configure.parse(text, Path("tillpost.toml"), {})
    assert configure.parse("", Path("tillpost.toml"), {}).telemetry.endpoint is None
