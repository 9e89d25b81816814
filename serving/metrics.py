"""Every metric, its labels and its buckets. Label values come from closed sets; all series exist from the start."""

from collections.abc import Callable, Iterable, Mapping

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
REFUSAL_REASONS = ("manifest", "files", "variant", "answers", "aliases", "missing", "limit")
STORE_CHANGES = ("loaded", "unloaded", "aliases")
SHADOW_OUTCOMES = ("agree", "differ", "failed", "skipped")
INFO = ("model", "version", "variant", "provider", "recipe", "depth", "runtime")  # labels of thaw_model_info
Key = tuple[str, str]  # model and version
NO_MODEL = ""  # label of requests that concern no model
SECONDS = tuple(ms / 1000 for ms in (1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1000, 2500))
SECONDS_MORE = tuple(ms / 1000 for ms in (-100, -50, -20, -10, -5, -2, -1, 0, 1, 2, 5, 10, 20, 50, 100))
DIFFERENCES = (-0.5, -0.2, -0.1, -0.05, -0.02, -0.01, -0.001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
PROBABILITIES = tuple(step / 20 for step in range(1, 20))
BATCH_SIZES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0, 64.0)


class Metrics:
    """One registry per server, so that two servers in one test process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []
        self._make_about_requests()
        self._make_about_models()
        self._make_about_the_store()
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
        self._routes: list[str] = []  # that are about a model
        self._infos: dict[Key, tuple[str, ...]] = {}  # of the prepared versions
        self._predictions = self._counter(
            "thaw_predictions", "Photographs by the label with the highest score.", ("model", "version", "label")
        )
        self._new_class = self._histogram(
            "thaw_new_class_probability",
            "Probability of the decision's label: its drift.",
            PROBABILITIES,
            ("model", "version"),
        )
        self._prediction_series: dict[tuple[str, str, str], Counter] = {}
        self._new_class_series: dict[Key, Histogram] = {}
        self._model_info = self._gauge("thaw_model_info", "1 for each loaded version; what it is.", INFO, "livemax")

    def _make_about_the_store(self) -> None:
        labels = ("alias", "model", "version")
        self._alias_info = self._gauge("thaw_alias_info", "1 for each alias: the version it means.", labels, "livemax")
        self._alias_series: set[tuple[str, ...]] = set()
        changes = self._counter("thaw_store_changes", "Versions loaded and unloaded, aliases changed.", ("change",))
        self._store_changes = {change: changes.labels(change) for change in STORE_CHANGES}
        refused = self._counter("thaw_versions_refused", "Versions and aliases of the store refused.", ("reason",))
        self._refused = {reason: refused.labels(reason) for reason in REFUSAL_REASONS}
        self.refused_now = self._gauge(
            "thaw_versions_refused_now", "Versions and aliases that are refused at present.", merge="livemax"
        )
        shadow = self._counter("thaw_shadow", "Photographs of stable that shadow was to answer too.", ("outcome",))
        self.shadow = {outcome: shadow.labels(outcome) for outcome in SHADOW_OUTCOMES}
        self.shadow_score_difference = self._histogram(
            "thaw_shadow_score_difference", "Shadow's minus stable's probability of the decision's label.", DIFFERENCES
        )
        self.shadow_seconds_difference = self._histogram(
            "thaw_shadow_seconds_difference", "Shadow's minus stable's time to infer one photograph.", SECONDS_MORE
        )

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

    def prepare_route(self, route: str, *, is_about_models: bool = False) -> None:
        """Make the series of a route, for every prepared version too where it is about one."""
        self._prepare_requests(route, (NO_MODEL, NO_MODEL))
        if is_about_models and route not in self._routes:
            self._routes.append(route)
            for key in self._infos:
                self._prepare_requests(route, key)

    def prepare_model(self, key: Key, labels: Iterable[str], info: dict[str, str]) -> None:
        """Make every series of a loaded version. key: (name, version); info: values of the rest of INFO."""
        if key in self._infos:
            return
        values = {"model": key[0], "version": key[1], **info}
        self._infos[key] = tuple(values[name] for name in INFO)
        self._model_info.labels(*self._infos[key]).set(1)
        self._new_class_series[key] = self._new_class.labels(*key)
        for label in labels:
            self._prediction_series[*key, label] = self._predictions.labels(*key, label)
        for route in self._routes:
            self._prepare_requests(route, key)

    def forget_model(self, key: Key) -> None:
        """Drop the series of a version that is unloaded and has no request left; without this they would only grow."""
        if key not in self._infos:
            return
        self._drop(self._model_info, *self._infos.pop(key))
        self._drop(self._new_class, *key)
        del self._new_class_series[key]
        for label in [label for *of, label in self._prediction_series if tuple(of) == key]:
            self._drop(self._predictions, *key, label)
            del self._prediction_series[*key, label]
        for series in [series for series in self._request_series if series[1:3] == key]:
            self._drop(self._requests, *series)
            del self._request_series[series]

    def _prepare_requests(self, route: str, key: Key) -> None:
        for outcome in OUTCOMES:
            self._request_series[route, *key, outcome] = self._requests.labels(route, *key, outcome)

    def show_aliases(self, aliases: Mapping[str, Key]) -> None:
        """Alias -> (model, version) as they are in force."""
        now: set[tuple[str, ...]] = {(alias, *key) for alias, key in aliases.items()}
        for series in self._alias_series - now:
            self._drop(self._alias_info, *series)
        for series in now:
            self._alias_info.labels(*series).set(1)
        self._alias_series = now

    def _drop(self, metric: Gauge | Counter | Histogram, *series: str) -> None:
        """Files that several processes share know no removal: there a gauge is 0, and what was counted stays."""
        if isinstance(metric, Gauge):
            metric.labels(*series).set(0)
        if merged_registry() is None:
            metric.remove(*series)

    def count_request(self, route: str, model: Key, outcome: str) -> None:
        """One request is over."""
        self._request_series[route, *model, outcome].inc()

    def count_prediction(self, model: Key, label: str, probability: float) -> None:
        """One photograph was answered; `probability` is that of the decision's label."""
        self._prediction_series[*model, label].inc()
        self._new_class_series[model].observe(probability)

    def count_store_change(self, change: str) -> None:
        """A version was loaded or unloaded, or the aliases changed."""
        self._store_changes[change].inc()

    def count_refused(self, reason: str) -> None:
        """A version or an alias was refused."""
        self._refused[reason].inc()

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
