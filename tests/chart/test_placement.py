"""Where pods go, how many there are, and how one gets to them."""

from tests.chart.rendering import Document, documents, of_kind, only, pods, render, with_values

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


def test_a_budget_lets_go_of_pods_that_do_not_serve() -> None:
    """One pod at a time may be taken from a node, and one that is not ready at any time."""
    spec = only(render(), "PodDisruptionBudget")["spec"]
    assert (1, "AlwaysAllow") == (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"])


def test_a_route_divides_by_the_weight_of_the_canary() -> None:
    """A hundred parts in all, for hosts and gateways that were named."""
    (rule,) = only(render("ci/gpu-canary-route.yaml"), "HTTPRoute")["spec"]["rules"]
    assert {"rel-thaw": 90, "rel-thaw-canary": 10} == {each["name"]: each["weight"] for each in rule["backendRefs"]}


def test_a_service_is_as_it_was_asked_for() -> None:
    """Type, port, annotations, distribution and protocol; headless gives each pod a name."""
    given = {"type": "LoadBalancer", "port": 8443, "annotations": {"a": "b"}, "trafficDistribution": "PreferClose"}
    found = only(made_with({"service": given, "tls.existingSecret": "cert"}), "Service")
    (port,) = found["spec"]["ports"]
    assert ("LoadBalancer", 8443, "https") == (found["spec"]["type"], port["port"], port["appProtocol"])
    assert ("PreferClose", {"a": "b"}) == (found["spec"]["trafficDistribution"], found["metadata"]["annotations"])
    assert "None" == only(made_with({"service.headless": True}), "Service")["spec"]["clusterIP"]


def test_metrics_are_on_no_service_for_clients() -> None:
    """Whatever type the clients' service has, the ops port stays inside the cluster, on a service of its own."""
    found = made_with({"service.type": "LoadBalancer"})
    assert ["http"] == [port["name"] for port in only(found, "Service")["spec"]["ports"]]
    ops = only(found, "Service", "rel-thaw-ops")["spec"]
    assert ("ClusterIP", ["ops"]) == (ops["type"], [port["name"] for port in ops["ports"]])


def test_clients_do_not_shut_out_the_releases_own_test() -> None:
    """Where only some may ask, `helm test` and the load test of this release still may."""
    (http, _) = only(render("values-production.yaml"), "NetworkPolicy")["spec"]["ingress"]
    own = [each["podSelector"] for each in http["from"] if "podSelector" in each]
    (components,) = [rule["values"] for selector in own for rule in selector["matchExpressions"]]
    assert ["test", "load"] == components
    (test,) = of_kind(render("values-production.yaml"), "Pod")
    assert own[0]["matchLabels"].items() <= test["metadata"]["labels"].items()
    assert test["metadata"]["labels"]["app.kubernetes.io/component"] in components


def test_workers_of_a_load_test_find_it() -> None:
    """Two pods send, a service leads them to the one that plans, and the server lets them in as its load test."""
    found = render("ci/jobs.yaml")
    planner, workers = only(found, "Job", "rel-thaw-load")["spec"], only(found, "Job", "rel-thaw-load-worker")["spec"]
    service = only(found, "Service", "rel-thaw-load")["spec"]
    (port,) = service["ports"]
    (plan,), (work,) = (job["template"]["spec"]["containers"] for job in (planner, workers))
    assert ["--workers", "2", "--bind", f"0.0.0.0:{port['port']}"] == plan["args"][-4:]
    assert ["worker", "--master", f"rel-thaw-load:{port['port']}"] == work["args"]
    assert (2, 2) == (workers["parallelism"], workers["completions"])
    assert {"batch.kubernetes.io/job-name": "rel-thaw-load"} == service["selector"]
    assert "load" == workers["template"]["metadata"]["labels"]["app.kubernetes.io/component"]
    alone = made_with({"loadTestJob.enabled": True})
    assert ["rel-thaw-load"] == [job["metadata"]["name"] for job in of_kind(alone, "Job")]


def test_the_load_test_shows_a_key_where_clients_must() -> None:
    """One client's key, from a secret of its own, goes into the header that the load test sends."""
    keys = {"apiKeys.existingSecret": "keys", "loadTestJob.enabled": True, "loadTestJob.keySecret.name": "one"}
    (job,) = of_kind(made_with(keys), "Job")
    key, header = job["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "one", "key": "api-key"} == key["valueFrom"]["secretKeyRef"]
    assert ("LOAD_HEADER", "Authorization: Bearer $(API_KEY)") == (header["name"], header["value"])


def test_a_job_takes_an_image_of_its_own() -> None:
    """Training and load test run another version or registry than the server, when told to."""
    image = {"registry": "registry.example.com", "tag": "0.2.0-train"}
    found = made_with(
        {
            f"{job}.{name}": value
            for job in ("trainingJob", "loadTestJob")
            for name, value in (("enabled", True), ("image", image))
        }
    )
    images = {
        pod["containers"][0]["image"] for pod in (job["spec"]["template"]["spec"] for job in of_kind(found, "Job"))
    }
    assert {"registry.example.com/thaw:0.2.0-train"} == images
