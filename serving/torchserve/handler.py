"""What TorchServe loads. Decoding, limits, order and refusals are the functions that our own server calls."""

import binascii
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contract.answer import ranked
from contract.artifact import read_artifact
from contract.errors import ArtifactError, PhotographError
from contract.golden import compare
from contract.pixels import Pixels, to_input
from serving.errors import Refusal
from serving.torchserve.graphs import load_graph

if TYPE_CHECKING:
    from ts.context import Context


class PhotographHandler:
    """One worker's model. TorchServe looks for exactly one class here, and calls `initialize` and `handle`."""

    def initialize(self, context: "Context") -> None:
        """Hashes, graph, goldens. Raises ArtifactError, and the worker never answers, when one of them is wrong."""
        options, folder = context.model_yaml_config["handler"], Path(context.system_properties["model_dir"])
        self.histograms = {name: metric for kind in context.metrics.cache.values() for name, metric in kind.items()}
        artifact = read_artifact(folder / options["artifact"])
        self.manifest, self.max_pixels, golden = artifact.manifest, options["max_pixels"], artifact.golden()
        self.graph = load_graph(folder, artifact, options)
        images = np.stack([self.preprocess({"body": photograph}) for photograph in golden.photographs])
        if difference := compare(golden, np.concatenate([self.graph(part)[0] for part in (images[:1], images[1:])])):
            raise ArtifactError(f"{folder}: {difference}. This runtime does not answer as exported; do not serve it.")

    def handle(self, rows: Sequence[Mapping[str, Any]], context: "Context") -> list[Mapping[str, object]]:
        """One answer for each request, in order. A bad photograph gets its own status; its neighbours never notice."""
        began, images, answers = time.perf_counter(), dict[int, Pixels](), dict[int, Mapping[str, object]]()
        for i, row in enumerate(rows):
            context.set_response_content_type(i, "application/json")
            try:
                images[i] = self.preprocess(row)
            except Refusal as refusal:
                context.set_response_status(refusal.torchserve_status, idx=i)
                answers[i] = refusal.torchserve()
        decoded = time.perf_counter()
        outputs = self.graph(np.stack(list(images.values()))) if images else ((), ())
        inferred = time.perf_counter()
        for i, probabilities, maps in zip(images, *outputs, strict=True):
            is_explained = context.get_request_header(i, "explain") == "True"  # the front end's mark of /explanations
            grids = dict(zip(self.manifest.labels, maps.tolist(), strict=True)) if is_explained else {}
            answers[i] = grids or ranked(self.manifest.labels, probabilities)
        self.observe("handler_decode_milliseconds", (decoded - began) * 1000 / len(rows))
        self.observe("handler_infer_seconds", inferred - decoded)
        self.observe("handler_batch_photographs", len(images))
        self.observe("handler_seconds", time.perf_counter() - began)
        return [answers[i] for i in range(len(rows))]

    def preprocess(self, row: Mapping[str, Any]) -> Pixels:
        """One request's fields -> uint8 (S, S, 3). Raises Refusal."""
        data: Any = row.get("data") or row.get("body") or next(iter(row.values()), b"")
        data = data.get("image") if isinstance(data, dict) else data
        try:  # text is base64, as TorchServe's own image handlers take it
            encoded = binascii.a2b_base64(data, strict_mode=True) if isinstance(data, str) else bytes(memoryview(data))
            size, rule = self.manifest.input.size, self.manifest.input.resize
            return to_input(encoded, size, rule, max_pixels=self.max_pixels).rgb
        except PhotographError as error:
            raise Refusal(error.kind, str(error)) from None
        except (ValueError, TypeError):
            detail = (
                "The request holds no photograph. Send its bytes, a form with the file, or JSON with `image` in base64."
            )
            raise Refusal("malformed-body", detail) from None

    def observe(self, name: str, value: float) -> None:
        """One value into a series of metrics.yaml, if the server was started with one that has it."""
        if name in self.histograms:
            self.histograms[name].add_or_update(value, [self.manifest.name])
