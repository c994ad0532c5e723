"""What an edge process counts, in the text form of Prometheus; each process of a machine counts for itself."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from decisions.serving.breaker import CircuitState
from decisions.serving.bundle import LiveBundle
from decisions.serving.guard import CircuitStatus

BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class EdgeMetrics:
    """The counters of one process; `process` names it where several answer on one port."""

    def __init__(self, process: str | None = None) -> None:
        self._process = process
        self._registry = CollectorRegistry()
        self._events = Counter(
            "tiltyard_events",
            "Messages by what became of them; all of them together were received.",
            ["project", "status"],
            registry=self._registry,
        )
        self._dropped = Counter(
            "tiltyard_properties_dropped",
            "Properties outside the allow-list, dropped at the door.",
            ["project"],
            registry=self._registry,
        )
        self._received = Counter("tiltyard_events_received", "Messages received.", ["project"], registry=self._registry)
        self._requests = Counter(
            "tiltyard_requests", "Requests by route and status.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "tiltyard_request_seconds", "Time to answer.", ["route"], buckets=BUCKETS, registry=self._registry
        )
        self._version = Gauge(
            "tiltyard_bundle_version", "Version of the live bundle.", ["project", "source"], registry=self._registry
        )
        self._age = Gauge(
            "tiltyard_bundle_seconds_since_postgres",
            "Seconds since Postgres last said which bundle is newest; NaN where it has not yet.",
            registry=self._registry,
        )

        self._decisions = Counter(
            "tiltyard_decisions",
            "Decisions by decision point and reason.",
            ["project", "decision_point", "reason"],
            registry=self._registry,
        )
        self._log = _LogState()
        self._registry.register(self._log)
        self._circuits = _CircuitStates()
        self._registry.register(self._circuits)
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._reasons: dict[tuple[str, str, str], Counter] = {}

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        found = self._children.get((route, status))
        if found is None:  # Looking labels up costs more than counting, so they are looked up once.
            found = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._children[route, status] = found
        found[0].inc()
        found[1].observe(seconds)

    def count_events(self, project: str, *, received: int, by_status: dict[str, int], dropped: int) -> None:
        """Count the messages of one answered request."""
        self._received.labels(project).inc(received)
        self._dropped.labels(project).inc(dropped)
        for status, count in by_status.items():
            self._events.labels(project, status).inc(count)

    def count_decision(self, project: str, point: str, reason: str) -> None:
        """Count one decision."""
        found = self._reasons.get((project, point, reason))
        if found is None:
            found = self._reasons[project, point, reason] = self._decisions.labels(project, point, reason)
        found.inc()

    def show_circuits(self, states: Mapping[tuple[str, str, str], CircuitStatus]) -> None:
        """Take over how the model versions fare, by project, model and number."""
        self._circuits.states = states

    def show_shadow(self, counts: Mapping[str, int]) -> None:
        """Take over what became of decisions that were drawn to be compared with a shadow version."""
        self._log.shadow = counts

    def show_log(self, *, rows: Mapping[str, int], queued: int, spool_bytes: int) -> None:
        """Take over what the decision log has counted: rows by what became of them."""
        self._log.rows, self._log.queued, self._log.spool_bytes = rows, queued, spool_bytes

    def render(self, bundles: Iterable[LiveBundle], seconds_since_postgres: float | None) -> bytes:
        """Return everything as text."""
        self._version.clear()
        for bundle in bundles:
            self._version.labels(bundle.snapshot.project_key, bundle.source.value).set(bundle.version)
        self._age.set(float("nan") if seconds_since_postgres is None else seconds_since_postgres)
        text = generate_latest(self._registry)
        return text if self._process is None else _labelled(text, self._process)


def _labelled(text: bytes, process: str) -> bytes:
    """Return the counters with a label that says whose they are."""
    with_labels, without = f'{{process="{process}",'.encode(), f'{{process="{process}"}} '.encode()
    lines = text.split(b"\n")
    for number, line in enumerate(lines):
        if line and not line.startswith(b"#"):
            head, brace, rest = line.partition(b"{")
            lines[number] = head + with_labels + rest if brace else without.join(line.split(b" ", 1))
    return b"\n".join(lines)


class _LogState(Collector):
    """The counts of the decision log and of shadow mode, which keep them themselves."""

    def __init__(self) -> None:
        self.rows: Mapping[str, int] = {}
        self.shadow: Mapping[str, int] = {}
        self.queued = 0
        self.spool_bytes = 0

    def collect(self) -> Iterable[Metric]:
        """Yield the counts as they were shown last."""
        rows = CounterMetricFamily(
            "tiltyard_decision_rows", "Rows of the decision log by what became of them.", labels=["state"]
        )
        for state, count in self.rows.items():
            rows.add_metric([state], count)
        yield rows
        yield GaugeMetricFamily("tiltyard_decision_rows_queued", "Rows that wait in memory.", self.queued)
        yield GaugeMetricFamily("tiltyard_decision_spool_bytes", "Bytes that wait on disk.", self.spool_bytes)
        shadow = CounterMetricFamily(
            "tiltyard_shadow_decisions",
            "Decisions drawn to be compared with a shadow version, by what became of them.",
            labels=["state"],
        )
        for state, count in self.shadow.items():
            shadow.add_metric([state], count)
        yield shadow


class _CircuitStates(Collector):
    """The circuits of model versions, kept where the models are asked."""

    def __init__(self) -> None:
        self.states: Mapping[tuple[str, str, str], CircuitStatus] = {}

    def collect(self) -> Iterable[Metric]:
        """Yield the states as they were shown last."""
        labels = ["project", "model", "number"]
        open_now = GaugeMetricFamily(
            "tiltyard_circuit_open", "1 while a model version is not asked since it kept failing.", labels=labels
        )
        openings = CounterMetricFamily(
            "tiltyard_circuit_openings", "How often a model version was given up for a while.", labels=labels
        )
        for named, status in self.states.items():
            open_now.add_metric(named, float(status.state is not CircuitState.CLOSED))
            openings.add_metric(named, status.openings)
        yield open_now
        yield openings
