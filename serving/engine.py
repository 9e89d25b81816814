"""One ONNX Runtime session per model, on a provider that is checked."""

import contextlib
import ctypes
import io
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from contract.errors import ArtifactError
from serving.bound_runs import BoundRuns
from serving.errors import StartError
from serving.runtime import onnxruntime

log = logging.getLogger("thaw.engine")

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
OUTPUTS = ("probabilities", "logits", "activation_map")
Provider = Literal["auto", "cpu", "cuda"]
DEVICES = {CPU: "cpu", CUDA: "cuda"}  # names of the memory that tensors are bound to
PADDED = {CUDA}  # providers that choose their kernels for each new size: batches are filled up to few sizes
_WHEELS = "Install the CUDA and cuDNN libraries: pip install 'onnxruntime-gpu[cuda,cudnn]'"
HEAVY = {"Conv", "FusedConv", "Gemm", "MatMul"}  # where the time goes; bookkeeping of shapes belongs on the CPU


@dataclass(frozen=True)
class Inference:
    """`probabilities`, `logits`: float32 (N, K). `activation_map`: float32 (N, K, h, w); None when nobody asked."""

    probabilities: NDArray[np.float32]
    logits: NDArray[np.float32]
    activation_map: NDArray[np.float32] | None = None


class Engine:
    """A loaded graph. `run` may be called from several threads at once; each call uses its caller's core only."""

    def __init__(self, model_path: Path, provider: str, batch_limit: int = 1) -> None:
        """batch_limit: a device that wants fixed sizes has run each of them up to here when this returns.

        Raises ArtifactError for a graph that the runtime refuses, StartError when it gives another provider.
        """
        try:
            self._session = onnxruntime.InferenceSession(model_path, _options(), providers=[_with_options(provider)])
        except Exception as error:
            raise ArtifactError(
                f"{model_path}: ONNX Runtime cannot load it ({_one_line(error)}). Export it again."
            ) from error
        self.provider: str = self._session.get_providers()[0]
        if self.provider != provider:
            raise StartError(f"Asked for {provider}, but ONNX Runtime gave {self.provider}. {_what_cuda_lacks()}")
        self._check(model_path)
        self._bound = BoundRuns(self._session, batch_limit, DEVICES[provider]) if provider in PADDED else None

    def _check(self, model_path: Path) -> None:
        assigned = self._session.get_provider_graph_assignment_info()
        if elsewhere := heavy_elsewhere(self.provider, ((part.ep_name, part.get_nodes()) for part in assigned)):
            raise StartError(
                f"{model_path}: {', '.join(elsewhere)} would run elsewhere than on {self.provider}, and slowly. "
                "Export the graph for it, or set THAW_PROVIDER=cpu."
            )
        inputs = [node.name for node in self._session.get_inputs()]
        outputs = {node.name for node in self._session.get_outputs()}
        if inputs != ["images"] or not {*OUTPUTS} <= outputs:
            raise ArtifactError(
                f"{model_path}: takes {inputs}, gives {sorted(outputs)}. "
                f"Expected images -> {', '.join(OUTPUTS)}. Export it again."
            )

    def run(self, images: NDArray[np.uint8], *, explain: bool = False) -> Inference:
        """images: uint8 (N, S, S, 3) RGB. The activation map costs nothing but its copy."""
        wanted = OUTPUTS if explain else OUTPUTS[:2]
        if self._bound is not None:
            return Inference(*self._bound.run(images, wanted))
        return Inference(*self._session.run(wanted, {"images": images}))


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # two lanes beat one lane of two threads: decoding cannot use the second
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    options.log_severity_level = 3
    return options


def _with_options(provider: str) -> str | tuple[str, dict[str, str]]:
    """A device's memory grows by what is asked for, not by powers of two: other programs may want the rest."""
    return (provider, {"arena_extend_strategy": "kSameAsRequested"}) if provider == CUDA else provider


class _Node(Protocol):
    op_type: str


def heavy_elsewhere(provider: str, parts: Iterable[tuple[str, Iterable[_Node]]]) -> list[str]:
    """Kinds of expensive nodes that the runtime has put on another provider: a session may be of CUDA in name alone.

    parts: a provider and the nodes it was given.
    """
    return sorted({node.op_type for name, nodes in parts if name != provider for node in nodes} & HEAVY)


def choose_provider(asked: Provider) -> str:
    """The provider's name. `cuda` is never answered with less; `auto` takes CUDA only where a device is there."""
    chosen, why = _choose(asked)
    log.info("%s: %s", chosen, why, extra={"fields": {"asked": asked, "provider": chosen}})
    return chosen


def _choose(asked: Provider) -> tuple[str, str]:
    if asked == "cpu":
        return CPU, "as asked"
    present = CUDA in onnxruntime.get_available_providers()
    has_device = present and _has_cuda_device()
    if has_device or (present and asked == "cuda"):
        _load_cuda_libraries()
    if asked == "auto":
        if has_device:
            return CUDA, "auto found a device"
        lacks = "no CUDA device" if present else "a CPU build of onnxruntime"
        return CPU, f"auto found {lacks}"
    if not present:
        raise StartError(f"THAW_PROVIDER=cuda, but CUDA cannot be used. {_what_cuda_lacks()}")
    return CUDA, "as asked"


def _load_cuda_libraries() -> None:
    """CUDA and cuDNN may lie in wheels of their own, where no loader looks. What is missing gets printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        onnxruntime.preload_dlls(directory="")
    if words := " ".join(printed.getvalue().split()):
        log.warning("%s", words[:500])


def runtime_version() -> str:
    """Of ONNX Runtime, for the log and the info metric."""
    return str(onnxruntime.__version__)


def devices() -> list[str]:
    """What the runtime sees, as `provider (vendor)`."""
    return sorted({f"{device.ep_name} ({device.ep_vendor})" for device in onnxruntime.get_ep_devices()})


def _has_cuda_device() -> bool:
    """`get_available_providers` lists what was compiled in; the devices are what is there."""
    return any(device.ep_name == CUDA for device in onnxruntime.get_ep_devices()) or Path("/dev/nvidiactl").exists()


def _what_cuda_lacks() -> str:
    """The missing piece, by trying to load the provider's library: the loader names the file it did not find."""
    library = Path(onnxruntime.__file__).parent / "capi" / "libonnxruntime_providers_cuda.so"
    if not library.exists():
        return (
            f"The installed onnxruntime {onnxruntime.__version__} is a CPU build (no {library.name}). "
            "Install onnxruntime-gpu in an environment of its own, or set THAW_PROVIDER=cpu."
        )
    try:
        ctypes.CDLL(str(library), mode=ctypes.RTLD_LOCAL)
    except OSError as error:
        is_driver = "libcuda.so" in str(error)
        cure = "It comes with the NVIDIA driver: install it, or give the container its GPU" if is_driver else _WHEELS
        return f"Missing library: {_one_line(error)}. {cure}, or set THAW_PROVIDER=cpu."
    return "The libraries load, so no usable device or driver was found. Check nvidia-smi, or set THAW_PROVIDER=cpu."


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
