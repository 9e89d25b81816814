"""What an operator relies on, read from the rendered documents of every values file."""

import importlib.util
import re
from typing import Any

import pytest

from serving.app import ROUTES
from serving.settings import load_settings
from serving.torchserve.launch import Plan
from tests.chart.rendering import FILES, Document, containers, of_kind, only, pods, render, server, with_values

TORCHSERVE = "values-torchserve.yaml"
OURS = [file for file in FILES if file != TORCHSERVE]
PROOF = ["python", "-m", "serving.torchserve.ready", "/models"]
OF_JOB = "batch.kubernetes.io/job-name"
AUTOSCALED = ("values-production.yaml", "ci/keda-pvc.yaml", "ci/jobs.yaml")


@pytest.mark.parametrize("file", OURS)
def test_settings_are_settings(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server itself accepts every THAW_ variable that the chart sets, with its value."""
    for config in of_kind(render(file), "ConfigMap"):
        if config["metadata"]["name"].endswith("-settings"):
            for name, value in config["data"].items():
                assert isinstance(value, str)
                monkeypatch.setenv(name, value)
            settings = load_settings()
            assert ("0.0.0.0", 8080, 8081, "/models") == (
                *(settings.host, settings.port, settings.ops_port),
                str(settings.models),
            )
    given = {each["name"] for each in server(render(file))["env"] if each["name"].startswith("THAW_")}
    assert given <= {"THAW_LANES", "THAW_ADMIN_KEY"}


def test_whole_numbers_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty million is not written as 2e+07."""
    config = only(render("ci/download-keys.yaml"), "ConfigMap", "rel-thaw-settings")
    assert ("20000000", "true") == (config["data"]["THAW_MAX_BODY_BYTES"], config["data"]["THAW_LOG_REQUESTS"])


@pytest.mark.parametrize("file", FILES)
def test_probes_ask_routes_that_exist(file: str) -> None:
    """Every probe names a port of its container and a GET route of the server."""
    gets = {route.pattern for route in ROUTES if "GET" in route.methods}
    ports = {port["name"] for port in server(render(file))["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = server(render(file))[probe].get("httpGet")
        if asked is None:
            assert (TORCHSERVE, PROOF) == (file, server(render(file))[probe]["exec"]["command"])
            continue
        assert asked["path"] in gets
        assert asked["port"] in ports


def test_torchserve_is_ready_when_its_models_answer_right() -> None:
    """Its /ping is healthy while a worker is dead: ready and started want a golden's answer from every model."""
    found = server(render(TORCHSERVE))
    assert "thaw:0.1.0-torchserve" == found["image"]
    assert [PROOF, PROOF] == [found[probe]["exec"]["command"] for probe in ("startupProbe", "readinessProbe")]
    assert "/ping" == found["livenessProbe"]["httpGet"]["path"]
    assert importlib.util.find_spec(PROOF[2])
    (ops,) = [port["containerPort"] for port in found["ports"] if port["name"] == "ops"]
    assert Plan((), 8080).port + 2 == ops


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"apiKeys.existingSecret": "a"}, "no apiKeys"),
        ({"tls.existingSecret": "a"}, "no tls"),
        ({"settings": {"deadline_ms": 100}}, "no settings"),
        ({"device": "gpu", "keda.enabled": True}, "no device: gpu, no keda"),
        ({"monitoring.rules.enabled": True}, "no monitoring.rules"),
    ],
)
def test_what_torchserve_lacks_is_refused(values: dict[str, Any], named: str) -> None:
    """A key, a certificate or a limit that nobody would look at stops Helm instead of being left out."""
    assert f"runtime is torchserve, which has {named}:" in with_values(values, TORCHSERVE).stderr


def test_each_probe_has_its_own_question() -> None:
    """Started, ready and live are three questions; live is asked slowly, and never by inference."""
    found = server(render())
    paths = [found[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
    assert ["/startupz", "/readyz", "/livez"] == paths
    live = found["livenessProbe"]
    assert 5 <= live["timeoutSeconds"]
    assert 60 <= live["periodSeconds"] * live["failureThreshold"]


@pytest.mark.parametrize("file", FILES)
def test_selectors_find_their_pods(file: str) -> None:
    """Every Deployment, Service, budget and policy selects pods of this release, and those of no other track or job."""
    found = render(file)
    tracks = {labels["app.kubernetes.io/component"]: labels for labels in map(pod_labels, of_kind(found, "Deployment"))}
    for document in of_kind(found, "Deployment", "Service", "PodDisruptionBudget"):
        selector = document["spec"]["selector"]
        wanted = selector.get("matchLabels", selector)
        if OF_JOB in wanted:
            assert wanted[OF_JOB] in {job["metadata"]["name"] for job in of_kind(found, "Job")}
            continue
        chosen = {track for track, labels in tracks.items() if wanted.items() <= labels.items()}
        if document["metadata"]["name"].endswith("-ops"):
            assert set(tracks) == chosen
        else:
            assert 1 == len(chosen)
    for document in of_kind(found, "Deployment"):
        assert {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"} == set(
            document["spec"]["selector"]["matchLabels"]
        ), "what changes with a version must not be selected by"


@pytest.mark.parametrize("file", FILES)
def test_ports_are_named(file: str) -> None:
    """Services, policies, routes and monitors name ports that a container has."""
    found = render(file)
    names = {port["name"] for port in server(found)["ports"]}
    jobs = {job["metadata"]["name"]: job["spec"]["template"]["spec"] for job in of_kind(found, "Job")}
    for service in of_kind(found, "Service"):
        pod = jobs.get(service["spec"]["selector"].get(OF_JOB, ""))
        there = {port["name"] for port in pod["containers"][0]["ports"]} if pod else names
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= there
    for policy in of_kind(found, "NetworkPolicy"):
        assert {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]} == names
    services = {service["metadata"]["name"] for service in of_kind(found, "Service")}
    for route in of_kind(found, "HTTPRoute"):
        backends = [backend for rule in route["spec"]["rules"] for backend in rule["backendRefs"]]
        assert {backend["name"] for backend in backends} <= services
        assert 100 == sum(backend["weight"] for backend in backends)


@pytest.mark.parametrize("file", FILES)
def test_nothing_more_than_needed_is_allowed(file: str) -> None:
    """Every container is fit for the `restricted` profile, with limits, and no token of Kubernetes is mounted."""
    for pod in pods(render(file)):
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False, "variables named after services are no settings"
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert "RuntimeDefault" == pod["securityContext"]["seccompProfile"]["type"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    for container in containers(render(file)):
        allowed = container["securityContext"]
        assert allowed["readOnlyRootFilesystem"] is True
        assert allowed["allowPrivilegeEscalation"] is False
        assert ["ALL"] == allowed["capabilities"]["drop"]
        for part in ("requests", "limits"):
            wanted = {"memory"} if file == "ci/nolimit-extras.yaml" and part == "limits" else {"cpu", "memory"}
            assert wanted <= set(container["resources"][part])


@pytest.mark.parametrize("file", FILES)
def test_images_are_pinned(file: str) -> None:
    """Every image has a version or a digest, never `latest`."""
    for container in containers(render(file)):
        assert re.search(r"(:(?!latest)[\w.-]+|@sha256:[0-9a-f]{64})$", container["image"])


@pytest.mark.parametrize("file", AUTOSCALED)
def test_one_owner_of_the_number_of_pods(file: str) -> None:
    """Where an autoscaler decides, the Deployment says nothing: Helm 4 would fight with it at each upgrade."""
    assert "replicas" not in only(render(file), "Deployment")["spec"]
    assert of_kind(render(file), "HorizontalPodAutoscaler", "ScaledObject")
    assert 2 == only(render(), "Deployment")["spec"]["replicas"]


def test_the_grace_period_covers_the_drain() -> None:
    """Pause, drain and a margin fit into the pod's grace period, and the server's own bound is set with it."""
    found = render()
    grace = only(found, "Deployment")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    pause = server(found)["lifecycle"]["preStop"]["sleep"]["seconds"]
    stop = int(only(found, "ConfigMap", "rel-thaw-settings")["data"]["THAW_STOP_SECONDS"])
    assert pause + stop < grace


def test_an_update_never_has_fewer_pods() -> None:
    """A new pod is ready before an old one goes; with one GPU only, the preset turns that round."""
    surge, gpu = (
        only(render(file), "Deployment")["spec"]["strategy"]["rollingUpdate"]
        for file in ("values.yaml", "values-gpu.yaml")
    )
    assert ({"maxUnavailable": 0, "maxSurge": 1}, {"maxUnavailable": 1, "maxSurge": 0}) == (surge, gpu)


def test_a_budget_only_where_more_than_one_runs() -> None:
    """A budget over a single pod would hold up the drain of its node."""
    assert of_kind(render(), "PodDisruptionBudget")
    assert not of_kind(render("ci/nolimit-extras.yaml"), "PodDisruptionBudget")


def test_lanes_follow_the_request_where_there_is_no_limit() -> None:
    """With a CPU limit the server reads the quota; without one it would see every core of the node."""
    lanes = [each for each in server(render("ci/nolimit-extras.yaml"))["env"] if each["name"] == "THAW_LANES"]
    assert ["requests.cpu"] == [each["valueFrom"]["resourceFieldRef"]["resource"] for each in lanes]
    assert "THAW_LANES" not in {each["name"] for each in server(render())["env"]}


def test_a_gpu_pod_gets_its_gpu() -> None:
    """Request and limit of the GPU are equal, the provider is CUDA or nothing, and the image is the GPU's."""
    found = render("values-gpu.yaml")
    container = server(found)
    assert (1, 1) == tuple(container["resources"][part]["nvidia.com/gpu"] for part in ("requests", "limits"))
    assert "cuda" == only(found, "ConfigMap", "rel-thaw-settings")["data"]["THAW_PROVIDER"]
    assert container["image"].endswith("-gpu")
    assert 1 == server(render("ci/gpu-canary-route.yaml"))["resources"]["limits"]["nvidia.com/mig-1g.10gb"]


def test_a_change_of_settings_rolls_the_pods() -> None:
    """The pod's annotation is of the settings that it will read."""
    marks = [
        only(render(file), "Deployment")["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
        for file in ("values.yaml", "ci/download-keys.yaml")
    ]
    assert marks[0] != marks[1]


def test_nothing_goes_out() -> None:
    """The policy allows no egress, but name service and HTTPS where models are downloaded at start."""
    assert [] == only(render(), "NetworkPolicy")["spec"]["egress"]
    (download,) = only(render("ci/download-keys.yaml"), "NetworkPolicy")["spec"]["egress"]
    assert {53, 443} == {port["port"] for port in download["ports"]}
    assert "1" == {each["name"]: each.get("value") for each in server(render())["env"]}["ORT_DISABLE_TELEMETRY"]


def test_keys_are_files() -> None:
    """API keys reach the server as a mounted file, and only a secret holds their values."""
    found = render("ci/download-keys.yaml")
    holders = [each["kind"] for each in found if "for-tests-only" in str(each)]
    assert ["Secret"] == holders
    path = only(found, "ConfigMap", "rel-thaw-settings")["data"]["THAW_API_KEYS_FILE"]
    assert path.rpartition("/")[0] in {mount["mountPath"] for mount in server(found)["volumeMounts"]}


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("ci/keda-pvc.yaml", "persistentVolumeClaim"),
        ("ci/download-keys.yaml", "emptyDir"),
        ("ci/oci-new.yaml", "image"),
    ],
)
def test_models_come_from_where_it_is_said(file: str, kind: str) -> None:
    """The store is mounted read-only at /models; the image's own is left as it is by default."""
    volumes = {each["name"]: each for each in pods(render(file))[0]["volumes"]}
    assert kind in volumes["models"]
    (mount,) = [each for each in server(render(file))["volumeMounts"] if each["name"] == "models"]
    assert ("/models", True) == (mount["mountPath"], mount["readOnly"])
    assert "models" not in {each["name"] for each in pods(render())[0]["volumes"]}


def test_what_a_user_adds_is_there() -> None:
    """Variables, volumes, pull secrets, labels and whole objects, their templates filled in."""
    found = render("ci/nolimit-extras.yaml")
    assert ["one", "two"] == [each["name"] for each in pods(found)[0]["imagePullSecrets"]]
    assert "TZ" in {each["name"] for each in server(found)["env"]}
    assert "/more" in {each["mountPath"] for each in server(found)["volumeMounts"]}
    assert only(found, "ConfigMap", "rel-more")
    assert {"vision"} == {
        each["metadata"]["labels"]["team"] for each in found if each["metadata"]["name"] != "rel-more"
    }


def test_a_canary_is_a_deployment_of_its_own() -> None:
    """Another image and other settings, behind a share of the traffic; the stable one is as before."""
    found = render("ci/gpu-canary-route.yaml")
    assert "thaw:0.2.0-gpu" == server(found, "rel-thaw-canary")["image"]
    canary = only(found, "ConfigMap", "rel-thaw-canary-settings")["data"]
    assert "2000" == canary["THAW_DEADLINE_MS"]
    assert "THAW_DEADLINE_MS" not in only(found, "ConfigMap", "rel-thaw-settings")["data"]
    share = only(render("ci/canary-ingress.yaml"), "Ingress", "rel-thaw-canary")["metadata"]["annotations"]
    assert "5" == share["nginx.ingress.kubernetes.io/canary-weight"]


def test_helm_test_is_hardened_too() -> None:
    """`helm test` runs a pod of our own image, and only when asked."""
    (pod,) = of_kind(render(), "Pod")
    assert "test" == pod["metadata"]["annotations"]["helm.sh/hook"]
    assert server(render())["image"] == pod["spec"]["containers"][0]["image"]


def test_replicas_are_spread() -> None:
    """Over nodes and zones, as far as it goes, counting pods of the same track only."""
    spread = pods(render())[0]["topologySpreadConstraints"]
    assert {"ScheduleAnyway"} == {each["whenUnsatisfiable"] for each in spread}
    assert ["kubernetes.io/hostname", "topology.kubernetes.io/zone"] == [each["topologyKey"] for each in spread]


def pod_labels(deployment: Document) -> dict[str, Any]:
    """Labels of a deployment's pods."""
    return dict(deployment["spec"]["template"]["metadata"]["labels"])
