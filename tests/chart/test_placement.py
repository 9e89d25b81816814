"""Where pods go, how many there are, and how one gets to them."""

from tests.chart.rendering import Document, documents, of_kind, only, pods, with_values

TAINT = {"key": "gpu", "operator": "Exists"}
NEVER_TOGETHER = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}


def made_with(values: Document) -> tuple[Document, ...]:
    """The documents of the defaults with these values on top."""
    done = with_values(values)
    assert 0 == done.returncode, done.stderr
    return documents(done.stdout)


def test_pods_go_where_they_are_sent() -> None:
    """Labels and taints of nodes, affinity of every kind, priority, runtime and scheduler reach the pod as given."""
    wanted = {
        "nodeSelector": {"pool": "vision"},
        "tolerations": [TAINT],
        "affinity": NEVER_TOGETHER,
        "priorityClassName": "high",
        "runtimeClassName": "nvidia",
        "schedulerName": "bin-packer",
    }
    (pod, *_) = pods(made_with(wanted))
    assert wanted == {name: pod.get(name) for name in wanted}


def test_an_update_waits_and_gives_up() -> None:
    """How long a new pod must be ready, and when an update counts as failed, are values."""
    spec = only(made_with({"minReadySeconds": 7, "progressDeadlineSeconds": 99}), "Deployment")["spec"]
    assert (7, 99) == (spec["minReadySeconds"], spec["progressDeadlineSeconds"])


def test_an_autoscaler_has_what_was_asked() -> None:
    """CPU, slots in use, metrics of one's own, and how fast."""
    own = {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "9"}}}
    values = {"enabled": True, "cpuPercent": 60, "slotsInUse": 12, "metrics": [own]}
    (scaler,) = of_kind(made_with({"autoscaling": values}), "HorizontalPodAutoscaler")
    cpu, slots, last = scaler["spec"]["metrics"]
    assert (60, "12") == (
        cpu["resource"]["target"]["averageUtilization"],
        slots["pods"]["target"]["averageValue"],
    )
    assert (own, "autoscaling/v2") == (last, scaler["apiVersion"])
    assert 300 == scaler["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"]


def test_an_ingress_is_there_when_asked_for() -> None:
    """Off by default; class, host and certificate as given."""
    assert [] == of_kind(made_with({}), "Ingress")
    values = {"enabled": True, "className": "nginx", "host": "a.example.com", "tlsSecret": "cert"}
    spec = only(made_with({"ingress": values}), "Ingress")["spec"]
    assert ("nginx", "a.example.com") == (spec["ingressClassName"], spec["rules"][0]["host"])
    assert [{"hosts": ["a.example.com"], "secretName": "cert"}] == spec["tls"]
