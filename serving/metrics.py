"""Every metric, its labels and its buckets. Label values come from closed sets; all series exist from the start."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from serving.errors import KINDS
from serving.shared_metrics import merged_registry

# They would be a second series beside each, for nobody here.
disable_created_metrics()  # type: ignore[no-untyped-call] # the library annotates it not

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
STEPS = ("receive", "queue", "decode", "infer", "answer", "total")
OUTCOMES = ("ok", "gone", *sorted({kind.outcome for kind in KINDS.values()}))
SHED_REASONS = ("slots", "time", "connections", "bytes")
DROP_REASONS = ("gone", "deadline")
NO_MODEL = ""  # label of requests that concern no model
SECONDS = tuple(ms / 1000 for ms in (1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, 2500))
PROBABILITIES = tuple(step / 20 for step in range(1, 20))
BATCH_SIZES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0, 64.0)


class Metrics:
    """One registry per server, so that two servers in one test process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []
        self._make_about_requests()
        self._make_about_models()
        self._make_about_the_server()

    def _make_about_requests(self) -> None:
        self._requests = self._counter(
            "thaw_requests", "Requests answered or dropped.", ("route", "model", "version", "outcome")
        )
        self._request_series: dict[tuple[str, str, str, str], Counter] = {}
        step = self._histogram("thaw_step_seconds", "Duration of one step.", SECONDS, ("step",))
        self._steps = {name: step.labels(name) for name in STEPS}
        self.slots = self._gauge("thaw_slots", "Photographs that may be in flight.")
        self.slots_in_use = self._gauge("thaw_slots_in_use", "Photographs in flight.")
        shed = self._counter("thaw_shed", "Requests refused because the server is full.", ("reason",))
        self._shed = {reason: shed.labels(reason) for reason in SHED_REASONS}
        dropped = self._counter("thaw_dropped", "Photographs left out of a batch.", ("reason",))
        self._dropped = {reason: dropped.labels(reason) for reason in DROP_REASONS}

    def _make_about_models(self) -> None:
        self._predictions = self._counter(
            "thaw_predictions", "Photographs by the label with the highest score.", ("model", "label")
        )
        self._new_class = self._histogram(
            "thaw_new_class_probability", "Probability of the decision's label: its drift.", PROBABILITIES, ("model",)
        )
        self._prediction_series: dict[tuple[str, str], Counter] = {}
        self._new_class_series: dict[str, Histogram] = {}
        labels = ("model", "version", "provider", "recipe", "depth", "runtime")
        self._model_info = self._gauge("thaw_model_info", "1 for each loaded model; what it is.", labels, "livemax")

    def _make_about_the_server(self) -> None:
        self.queue_length = self._gauge("thaw_queue_length", "Photographs admitted and waiting for a lane.")
        self.batch_size = self._histogram("thaw_batch_size", "Photographs inferred together.", BATCH_SIZES)
        self.lanes = self._gauge("thaw_lanes", "Lanes that should be at work.")
        self.lanes_alive = self._gauge("thaw_lanes_alive", "Lanes at work.")
        self.lane_restarts = self._counter("thaw_lane_restarts", "Lanes that died and were replaced.")
        self.batch_retries = self._counter("thaw_batch_retries", "Batches that failed and were inferred one by one.")
        self.connections = self._gauge("thaw_connections", "Open connections.")
        self.ready = self._gauge("thaw_ready", "1 when /readyz answers 200.", merge="livemin")
        self.processes = self._gauge("thaw_processes", "Processes that should be serving.", merge="livemax")
        self.spares = self._gauge("thaw_spares", "Processes that stand by with their models loaded.", merge="livemax")
        self.process_restarts = self._gauge(
            "thaw_process_restarts", "Serving processes that ended unasked and were replaced.", merge="livemax"
        )

    def _counter(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, labels: tuple[str, ...] = (), merge: str = "livesum") -> Gauge:
        """merge: what becomes of the values of several processes that serve together."""
        return Gauge(name, meaning, labels, registry=self.registry, multiprocess_mode=merge)  # type: ignore[arg-type] # a literal

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Histogram:
        return Histogram(name, meaning, labels, buckets=buckets, registry=self.registry)

    def prepare_route(self, route: str, models: Iterable[tuple[str, str]]) -> None:
        """Make every series of a route. models: (name, version), or one pair of NO_MODEL."""
        for model, version in models:
            for outcome in OUTCOMES:
                series = (route, model, version, outcome)
                self._request_series[series] = self._requests.labels(*series)

    def prepare_model(self, name: str, labels: Iterable[str], info: dict[str, str]) -> None:
        """Make every series of a loaded model."""
        for label in labels:
            self._prediction_series[name, label] = self._predictions.labels(name, label)
        self._new_class_series[name] = self._new_class.labels(name)
        self._model_info.labels(model=name, **info).set(1)

    def count_request(self, route: str, model: tuple[str, str], outcome: str) -> None:
        """One request is over."""
        self._request_series[route, *model, outcome].inc()

    def count_prediction(self, model: str, label: str, probability: float) -> None:
        """One photograph was answered; `probability` is that of the decision's label."""
        self._prediction_series[model, label].inc()
        self._new_class_series[model].observe(probability)

    def count_shed(self, reason: str) -> None:
        """One request was refused at the door."""
        self._shed[reason].inc()

    def count_dropped(self, reason: str) -> None:
        """One photograph was left out of its batch."""
        self._dropped[reason].inc()

    def observe_step(self, step: str, seconds: float) -> None:
        """One step of one photograph."""
        self._steps[step].observe(seconds)

    def watch(self, gauge: Gauge, value: Callable[[], float]) -> None:
        """The gauge shows what `value` returns when somebody looks."""
        self._watched.append((gauge, value))

    def share(self) -> None:
        """Bring the watched gauges up to date, for whoever in another process is asked for all."""
        for gauge, value in self._watched:
            gauge.set(value())

    def exposition(self) -> bytes:
        """Prometheus text format, merged over the processes that serve together."""
        self.share()
        return generate_latest(merged_registry() or self.registry)
