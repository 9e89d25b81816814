"""For plain Locust: `locust -f load_tests/locustfile.py --class-picker --web-host 127.0.0.1 --host http://127.0.0.1:8080`

Closed users in every form that a client may send, and the open loop. Choose classes on the page or behind the command.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from locust import events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopUser

sys.path.insert(0, str(Path(__file__).parents[1]))  # Locust finds this file by its path, not as part of a package

import load_tests.stats_patch  # noqa: F401 # installs itself; needs the path above
from load_tests.answers import compared_labels, has_labels, inference_labels  # needs the path above
from load_tests.client import Client  # needs the path above
from load_tests.payloads import (  # needs the path above
    PHOTOGRAPHS,
    Payload,
    base64_json,
    damaged,
    form,
    inference_binary,
    raw,
    read_photographs,
)
from load_tests.schedule import endless  # needs the path above
from load_tests.users.closed import CheckedUser  # needs the path above
from load_tests.users.open import OpenRun, OpenUser  # needs the path above

BATCH = 8  # photographs in a form of many
STOP_S = 30.0  # seconds


@events.init_command_line_parser.add_listener
def options(parser: LocustArgumentParser) -> None:
    """Fields of the web page and flags of the command."""
    parser.add_argument("--images", default=str(PHOTOGRAPHS), help="Folder of photographs")
    parser.add_argument("--labels", default="labels.csv", help="CSV file,label in it, or none")
    parser.add_argument("--model", default="", help="Model to ask; empty: the server's default")
    parser.add_argument("--think-s", type=float, default=0.0, help="Mean pause of a closed user, seconds, exponential")
    parser.add_argument("--open-rate", type=float, default=20.0, help="OpenLoop: requests a second, Poisson")
    parser.add_argument("--open-seed", type=int, default=0, help="OpenLoop: seed of its arrivals")
    parser.add_argument("--open-cap", type=int, default=1000, help="OpenLoop: most requests in flight")


@events.init.add_listener
def wait_for_the_last(environment: Environment, **_: object) -> None:
    """Without a stop timeout Locust cuts requests in flight and forgets them: exactly the slowest ones."""
    environment.stop_timeout = environment.stop_timeout or STOP_S


class Photographer(CheckedUser):
    """A closed user: waits for its answer, thinks, sends the next photograph."""

    abstract = True

    def on_start(self) -> None:
        """Bodies are built once for each user; each starts at another photograph."""
        given = self.environment.parsed_options
        self.photographs = list(read_photographs(Path(given.images), given.labels))
        random.shuffle(self.photographs)
        self.query = f"?model={given.model}" if given.model else ""
        self.number = random.randrange(len(self.photographs))
        self.payloads = self.build()

    def build(self) -> list[Payload]:
        """Bodies to send in turn."""
        return [raw(photograph) for photograph in self.photographs]

    def wait_time(self) -> float:
        """Exponential, so that users who started together do not stay in step."""
        mean = self.environment.parsed_options.think_s
        return random.expovariate(1 / mean) if mean > 0 else 0.0

    def next(self) -> Payload:
        """The next body in turn."""
        self.number += 1
        return self.payloads[self.number % len(self.payloads)]

    @task(4)
    def ask(self) -> None:
        """One request and its answer."""
        self.predict()

    def predict(self) -> None:
        """In this class's form."""
        self.exchange("/predict" + self.query, self.next(), f"/predict {type(self).__name__}")


class OnePhotograph(Photographer):
    """The file as it is."""


class ManyPhotographs(Photographer):
    """Eight files in a form."""

    def build(self) -> list[Payload]:
        """Neighbours together."""
        endless_list = self.photographs * BATCH
        return [form(endless_list[start : start + BATCH]) for start in range(0, len(endless_list), BATCH)]


class Base64Photograph(Photographer):
    """The file as base64 in JSON."""

    def build(self) -> list[Payload]:
        """A third larger than the file."""
        return [base64_json(photograph) for photograph in self.photographs]


class Compare(Photographer):
    """One file through every model."""

    def predict(self) -> None:
        """Every model has to answer rightly."""
        self.exchange("/compare", self.next(), labels=lambda body: tuple(set(compared_labels(body).values())))


class BadInputMixedIn(Photographer):
    """Every fifth photograph is cut in half: it deserves a refusal, and its neighbours their answers."""

    def build(self) -> list[Payload]:
        """Whole ones."""
        self.halves = [damaged(photograph) for photograph in self.photographs]
        return super().build()

    @task(1)
    def ask_damaged(self) -> None:
        """4xx is right."""
        self.refused("/predict" + self.query, random.choice(self.halves), "/predict damaged")


class OpenInference(Photographer):
    """Open Inference Protocol v2, binary; leaves when the server does not speak it or the model takes no files."""

    def build(self) -> list[Payload]:
        """Names of input and output as the server tells them; `--model` or the first that it lists."""
        model = self.environment.parsed_options.model or "majority"
        with self.client.get(f"/v2/models/{model}", catch_response=True) as response:
            response.success()
            described = response.json() if response.status_code == 200 else {}
        names = [tensor["name"] for tensor in described.get("inputs", ()) if tensor["datatype"] == "BYTES"]
        if not names:
            print(f"OpenInference leaves: GET /v2/models/{model} names no input for files ({response.status_code})")
            return []
        self.path = f"/v2/models/{model}/infer"
        output = described["outputs"][0]["name"]
        return [inference_binary([photograph], names[0], output) for photograph in self.photographs]

    def predict(self) -> None:
        """Labels are checked where the server turns scores into them (the classification extension)."""
        if not self.payloads:
            raise StopUser
        self.exchange(self.path, self.next(), labels=lambda b: inference_labels(b) if has_labels(b) else ())


class OpenLoop(OpenUser):
    """Arrivals at --open-rate whatever the answers; response times count from the planned instant."""

    def new_run(self) -> OpenRun:
        """Each worker of a distributed run sends its share with its own seed; together they are one Poisson stream."""
        given, runner = self.environment.parsed_options, self.environment.runner
        workers = max(getattr(runner, "worker_count", 1) or 1, 1)
        worker = max(getattr(runner, "worker_index", 0), 0)
        payloads = tuple(raw(photograph) for photograph in read_photographs(Path(given.images), given.labels))
        path = "/predict" + (f"?model={given.model}" if given.model else "")
        client = Client(self.host or "", path, payloads, 30.0, {})
        due: Iterator[float] = endless(given.open_rate / workers, given.open_seed + worker)
        return OpenRun(client, tuple(range(len(payloads))), due, given.open_cap, 5.0, 10.0, worker)
