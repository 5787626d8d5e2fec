"""OpenTelemetry, where its extra is installed: traces, metrics and the log, sent as OTLP.

What leaves here is what `/metrics` and the log tell anyway: a span names a route of the API,
never a path with its ids, and a log record is the line after its redaction.
"""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import structlog

from tillpost.core.outcome import Retryable
from tillpost.core.wire import Request, Response
from tillpost.ports import Transport
from tillpost.serve import openapi
from tillpost.serve.http.granian_types import Application, Exchange, Scope, Stream
from tillpost.serve.settings import TelemetrySettings

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Observation
    from prometheus_client.metrics_core import Metric

NOT_SENT = "telemetry_not_sent"
"""The log's word for a collector that does not answer; it is written here and sent nowhere."""

_SECONDS = 5.0
_FRESH_SECONDS = 1.0
_ERROR = 500
_SEVERITIES = {"DEBUG": "DEBUG", "WARNING": "WARN", "ERROR": "ERROR", "CRITICAL": "FATAL"}

_log = structlog.get_logger("tillpost.telemetry")


class Telemetry:
    """What is told to a collector from now on; `close` it, so that the last of it goes too."""

    def __init__(self, settings: TelemetrySettings) -> None:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        base = (settings.endpoint or "").rstrip("/")
        headers = {"authorization": settings.authorization} if settings.authorization else {}
        what = Resource.create(
            {"service.name": settings.service, "service.version": version("tillpost")}
        )
        self._traces = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.share)), resource=what
        )
        spans = OTLPSpanExporter(endpoint=f"{base}/v1/traces", headers=headers, timeout=_SECONDS)
        self._traces.add_span_processor(BatchSpanProcessor(spans))
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(endpoint=f"{base}/v1/metrics", headers=headers, timeout=_SECONDS),
            export_interval_millis=settings.every_seconds * 1000,
        )
        self._metrics = MeterProvider([reader], resource=what)
        self._logs = LoggerProvider(resource=what)
        lines = OTLPLogExporter(endpoint=f"{base}/v1/logs", headers=headers, timeout=_SECONDS)
        self._logs.add_log_record_processor(BatchLogRecordProcessor(lines))
        self._tracer = self._traces.get_tracer("tillpost")
        self._logger = self._logs.get_logger("tillpost")
        self._meter = self._metrics.get_meter("tillpost")
        self._seconds = self._meter.create_histogram(
            "http.server.request.duration", "s", "Time from a request to its answer"
        )
        _quieten()

    @classmethod
    def of(cls, settings: TelemetrySettings) -> "Telemetry | None":
        """Telemetry as the settings want it; None where they name no collector."""
        return None if settings.endpoint is None else cls(settings)

    def follow(self, app: Application) -> Application:
        """The application, each of whose requests leaves a span and its duration."""
        return _Followed(app, self._tracer, self._seconds)

    def sending(self, transport: Transport) -> Transport:
        """The transport, each of whose exchanges leaves a span: where to and how it ended."""
        return _Sending(transport, self._tracer)

    def measure(self, read: Callable[[], Iterable["Metric"]]) -> None:
        """Tell what `/metrics` tells, by the same names; `read` gives it anew each time."""
        latest = _Latest(read)
        for name, family in latest().items():
            make = (
                self._meter.create_observable_counter
                if family.type == "counter"
                else self._meter.create_observable_gauge
            )
            make(name, [partial(_observe, latest, name)], "", family.documentation)

    def log(self, line: str) -> None:
        """Tell a line of the log, as it was written: JSON, redacted."""
        from opentelemetry._logs import SeverityNumber

        found: dict[str, Any] = msgspec.json.decode(line)
        event = str(found.pop("event", ""))
        if event == NOT_SENT:
            return
        level = str(found.pop("level", "info")).upper()
        found.pop("timestamp", None)
        self._logger.emit(
            body=event,
            severity_text=level,
            severity_number=SeverityNumber[_SEVERITIES.get(level, "INFO")],
            attributes={key: _plain(value) for key, value in found.items()},
        )

    def close(self) -> None:
        """Send what has not gone yet, and end."""
        for provider in (self._traces, self._metrics, self._logs):
            provider.shutdown()


class _Followed:
    """An application under spans."""

    def __init__(self, app: Application, tracer: Any, seconds: Any) -> None:
        self._app = app
        self._tracer = tracer
        self._seconds = seconds
        self._routes = _Routes(openapi.document()["paths"])

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """As the application within."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        known = {"http.request.method": scope.method, "http.route": self._routes(scope.path)}
        watched = _Watched(exchange)
        begun = perf_counter()
        with self._tracer.start_as_current_span(
            f"{scope.method} {known['http.route']}",
            context=_caller(scope),
            kind=SpanKind.SERVER,
            attributes=known,
            record_exception=False,
        ) as span:
            try:
                await self._app.__rsgi__(scope, watched)
            finally:
                ended = {**known, "http.response.status_code": watched.status}
                span.set_attributes(ended)
                if watched.status >= _ERROR:
                    span.set_status(Status(StatusCode.ERROR))
                self._seconds.record(perf_counter() - begun, ended)


class _Watched:
    """An exchange that remembers how it was answered; one that never was is an error."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.status = _ERROR

    def __call__(self) -> Awaitable[bytes]:
        return self._exchange()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._exchange)

    async def client_disconnect(self) -> None:
        await self._exchange.client_disconnect()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self._exchange.response_bytes(status, headers, body)

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Stream:
        self.status = status
        return self._exchange.response_stream(status, headers)


class _Sending:
    """A transport under spans."""

    def __init__(self, transport: Transport, tracer: Any) -> None:
        self._transport = transport
        self._tracer = tracer

    async def send(self, request: Request, seconds: float) -> Response:
        """As the transport within."""
        from opentelemetry.trace import SpanKind, Status, StatusCode

        known = {
            "http.request.method": request.method,
            "server.address": urlsplit(request.url).hostname or "",
        }
        with self._tracer.start_as_current_span(
            request.method, kind=SpanKind.CLIENT, attributes=known, record_exception=False
        ) as span:
            try:
                answer = await self._transport.send(request, seconds)
            except Retryable as error:
                span.set_attribute("error.type", type(error).__name__)
                raise
            span.set_attribute("http.response.status_code", answer.status)
            if answer.status >= 400:
                span.set_status(Status(StatusCode.ERROR))
            return answer


class _Routes:
    """Path -> the route of the API that it is of; what is none is `other`."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._known = [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path) for path in paths
        ]

    def __call__(self, path: str) -> str:
        return next((route for known, route in self._known if known.fullmatch(path)), "other")


class _Latest:
    """The families of metrics by name, read once for all instruments of one export."""

    def __init__(self, read: Callable[[], Iterable["Metric"]]) -> None:
        self._read = read
        self._at = float("-inf")
        self._families: Mapping[str, Metric] = {}

    def __call__(self) -> Mapping[str, "Metric"]:
        if perf_counter() - self._at > _FRESH_SECONDS:
            self._families = {family.name: family for family in self._read()}
            self._at = perf_counter()
        return self._families


def _observe(latest: _Latest, name: str, _options: "CallbackOptions") -> Iterator["Observation"]:
    from opentelemetry.metrics import Observation

    for sample in latest()[name].samples:
        if not sample.name.endswith("_created"):
            yield Observation(sample.value, dict(sample.labels))


def _caller(scope: Scope) -> Any:
    """The trace that the caller says this request is part of."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract(dict(scope.headers.items()))


def _plain(value: Any) -> str | bool | int | float:
    return value if isinstance(value, str | bool | int | float) else str(value)


class _Failures(logging.Handler):
    """A collector that does not answer is one line of our log, without a stack."""

    def emit(self, record: logging.LogRecord) -> None:
        _log.warning(NOT_SENT, why=record.getMessage()[:200])


def _quieten() -> None:
    told = logging.getLogger("opentelemetry")
    told.handlers[:] = [_Failures(logging.WARNING)]
    told.propagate = False
