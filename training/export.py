"""An adapted network -> one ONNX graph that equals torch, or nothing is kept."""

import io
import logging
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray

from contract.manifest import Parity
from training.network import AdaptedNetwork

OPSET = 20
TOLERANCE = 1e-4  # absolute, on probabilities
BATCHES = (1, 2, 7, 32)
COMPARED = 64  # photographs at each batch size
OUTPUTS = ("probabilities", "logits", "activation_map")


class ParityError(RuntimeError):
    """The exported graph answers differently from torch."""


def export_onnx(network: AdaptedNetwork, size: int) -> bytes:
    """The graph of `network.forward`: torch's names, N dynamic, batch norm unfused (the runtime fuses at load)."""
    import onnxscript.optimizer  # wanted by the export alone: TorchServe's environment packages without it

    network.eval()
    example = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # four lines about torchvision, which we do without
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            network,
            (example,),
            dynamo=True,
            optimize=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"images": {0: torch.export.Dim("N")}},
            external_data=False,
            verbose=False,
        )
    # Without this each convolution computes a bias of zeros at every call, and the runtime fuses no batch norm into it.
    onnxscript.optimizer.fold_constants(program.model)
    onnxscript.optimizer.remove_unused_nodes(program.model)
    buffer = io.BytesIO()
    model = program.model_proto
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]  # the exporter's stack traces: paths of the machine, half of a small file
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save_model(model, buffer)
    return buffer.getvalue()


def initialisers(graph: bytes) -> dict[str, NDArray[np.float32]]:
    """Name -> float32 array of every stored tensor of a graph."""
    model = onnx.load_model_from_string(graph)
    return {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}


def open_session(graph: bytes) -> onnxruntime.InferenceSession:
    """CPU, float32: the reference that parity is measured on."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@torch.inference_mode()
def check_parity(network: AdaptedNetwork, graph: bytes, pixels: NDArray[np.uint8]) -> Parity:
    """pixels: uint8 (M, S, S, 3), repeated up to COMPARED. Raises ParityError above TOLERANCE, at any of BATCHES."""
    network.eval()
    session, worst = open_session(graph), 0.0
    compared = np.resize(np.array(pixels[:COMPARED]), (COMPARED, *pixels.shape[1:]))
    for batch in BATCHES:
        for start in range(0, COMPARED - batch + 1, batch):
            part = compared[start : start + batch]
            expected = network(torch.from_numpy(part))[0].numpy()
            found = session.run(["probabilities"], {"images": part})[0]
            worst = max(worst, float(np.abs(expected - found).max()))
    if worst > TOLERANCE:
        raise ParityError(
            f"ONNX Runtime differs from torch by {worst:.1e} on probabilities; the limit is {TOLERANCE:.0e}. "
            "Nothing was kept."
        )
    return Parity(max_difference=worst, tolerance=TOLERANCE, batches=BATCHES, photographs=min(len(pixels), COMPARED))
