"""Finished jobs -> the answer of infer, in JSON or with binary tensors behind it."""

import numpy as np
from numpy.typing import NDArray

from serving.engine import OUTPUTS
from serving.errors import Refusal
from serving.inference_protocol.documents import AnsweredOutput, InferAnswer, InferRequest, RequestedOutput
from serving.inference_protocol.tensors import pack
from serving.lanes import Result
from serving.messages import JSON, Response, json_bytes
from serving.store import Model

JSON_LENGTH = "inference-header-content-length"  # of the JSON part, where binary tensors follow it
OCTETS = "application/octet-stream"


def wanted_outputs(asked: InferRequest) -> list[RequestedOutput]:
    """Those named, in their order; all when none is. Raises Refusal: bad-parameter."""
    outputs = asked.outputs or [RequestedOutput.model_validate({"name": name}) for name in OUTPUTS]
    for output in outputs:
        if output.parameters.classification and output.name == "activation_map":
            raise Refusal(
                "bad-parameter", "`classification` of `activation_map` means nothing. Ask it of `probabilities`."
            )
    return outputs


def infer_response(asked: InferRequest, model: Model, results: list[Result]) -> Response:
    """results: one for each photograph, in order, at least one."""
    document: InferAnswer = {
        "model_name": model.manifest.name,
        "model_version": model.manifest.version,
        "parameters": {"variant": model.variant},
        "outputs": [],
    }
    if asked.id:
        document["id"] = asked.id
    behind: list[bytes] = []
    for output in wanted_outputs(asked):
        described, values = _tensor(output, model, results)
        is_binary = output.parameters.binary_data
        if asked.parameters.binary_data_output if is_binary is None else is_binary:
            packed = pack(text.encode() for text in values) if isinstance(values, list) else values.tobytes()
            described["parameters"] = {"binary_data_size": len(packed)}
            behind.append(packed)
        else:
            described["data"] = values if isinstance(values, list) else values.ravel().tolist()
        document["outputs"].append(described)
    head = json_bytes(document)
    if not behind:
        return Response(200, head, JSON)
    return Response(200, b"".join((head, *behind)), OCTETS, ((JSON_LENGTH, str(len(head))),))


def _tensor(
    output: RequestedOutput, model: Model, results: list[Result]
) -> tuple[AnsweredOutput, NDArray[np.float32] | list[str]]:
    rows = [getattr(result, output.name) for result in results]
    if top := output.parameters.classification:
        texts = [text for row in rows for text in _classes(row, model.manifest.labels, top)]
        return {"name": output.name, "datatype": "BYTES", "shape": [len(rows), len(texts) // len(rows)]}, texts
    values: NDArray[np.float32] = np.stack(rows).astype("<f4", copy=False)
    return {"name": output.name, "datatype": "FP32", "shape": list(values.shape)}, values


def _classes(row: NDArray[np.float32], labels: tuple[str, ...], top: int) -> list[str]:
    """`score:index:label`, highest first, as Triton's classification extension has it."""
    order = np.argsort(-row, kind="stable")[:top].tolist()
    return [f"{row[index]:f}:{index}:{labels[index]}" for index in order]
