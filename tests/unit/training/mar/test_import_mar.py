"""Archives made by TorchServe's own tool, imported and answered the same; and what is refused, by name."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from contract.artifact import Artifact, read_artifact
from contract.golden import TOLERANCE
from contract.pixels import ShortCrop, to_input
from serving.engine import CPU
from serving.store import load_model
from tests.fakes import photograph, write_model
from training.backbone import MEAN, STD, Architecture, ResNet
from training.data.archives import DataError
from training.mar.importing import Told, import_mar
from training.network import AdaptedNetwork
from training.package import Packaging, package

pytestmark = pytest.mark.timeout(90)  # a child that imports torch, beside others that do

LABELS = '{"0": ["n1", "bus"], "1": ["n2", "car"], "2": ["n3", "truck"]}'
SIDE = 64
PHOTOGRAPHS = [photograph(seed, 90, 70) for seed in range(3)]


def archive(folder: Path, serialized: Path, handler: str = "image_classifier") -> Path:
    """What `torch-model-archiver` makes of a file."""
    (folder / "index_to_name.json").write_text(LABELS)
    (folder / "mine.py").write_text("raise SystemExit('the handler was run')\n")
    call = "from model_archiver.model_packaging import generate_model_archive as make; make()"
    options = ["--model-name", "Cars", "--version", "1.0", "--serialized-file", serialized, "--handler", handler]
    options += ["--extra-files", folder / "index_to_name.json", "--export-path", folder, "--force"]
    subprocess.run([sys.executable, "-c", call, *options], cwd=folder, check=True, capture_output=True)
    return folder / "Cars.mar"


def told(store: Path, **more: object) -> Told:
    """The least that an importer must say."""
    return Told(store, threshold=0.5, at_fpr=0.01, size=SIDE, **more)  # type: ignore[arg-type] # names of fields


def prepared(short: int = 256) -> np.ndarray:
    """The photographs as the imported artifact prepares them."""
    rule = ShortCrop(short=short, interpolation="bilinear")
    return np.stack([to_input(data, SIDE, rule).rgb for data in PHOTOGRAPHS])


def answers(artifact: Artifact) -> np.ndarray:
    """What our server says."""
    model = load_model(artifact, CPU, 4)
    return model.infer(np.stack([model.prepare(data).rgb for data in PHOTOGRAPHS])).probabilities


def foreign_graph(path: Path, head: str = "Gemm") -> Path:
    """float32 (N, 3, S, S) -> scores, pooled and linear; its tensors have names that we use too."""
    random = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["images", "w"], ["features"], strides=[4, 4]),
        helper.make_node("Relu", ["features"], ["relu"]),
        helper.make_node("GlobalAveragePool", ["relu"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "head", "bias"], ["logits" if head == "Gemm" else "hidden"], transB=1),
        *([] if head == "Gemm" else [helper.make_node("Tanh", ["hidden"], ["logits"])]),
    ]
    shapes = {"w": (6, 3, 4, 4), "head": (3, 6), "bias": (3,)}
    tensors = [numpy_helper.from_array(random.normal(0, 1, s).astype(np.float32), n) for n, s in shapes.items()]
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    scores = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph(nodes, "foreign", [images], [scores], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def network() -> AdaptedNetwork:
    """A ResNet of torchvision's layout and names, small, with three classes."""
    torch.manual_seed(0)
    made = AdaptedNetwork(ResNet(Architecture("torchvision", 8, (1, 1, 1, 1))), 3)
    made.eval()
    return made


def state(made: AdaptedNetwork) -> dict[str, torch.Tensor]:
    """What torchvision users save: no temperature."""
    return {name: tensor for name, tensor in made.state_dict().items() if name != "temperature"}


def test_an_onnx_archive_is_answered_the_same(tmp_path: Path) -> None:
    """As the archive's own graph behind ImageNet's normalisation, which TorchServe's image_classifier does."""
    path = archive(tmp_path, foreign_graph(tmp_path / "model.onnx"))
    lines = import_mar(path, told(tmp_path / "store"))
    artifact = read_artifact(tmp_path / "store" / "cars" / "1")
    assert ("bus", "car", "truck") == artifact.manifest.labels
    assert "left behind: handler image_classifier" in "\n".join(lines)
    x = ((prepared() / 255 - np.array(MEAN)) / np.array(STD)).astype(np.float32).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=[CPU])
    scores = torch.softmax(torch.from_numpy(session.run(None, {"images": x})[0]), 1).numpy()
    assert TOLERANCE > np.abs(scores - answers(artifact)).max()


def test_its_activation_map_explains_its_logits(tmp_path: Path) -> None:
    """The map's mean, with the bias, is the logit: for pooling and a linear head."""
    import_mar(archive(tmp_path, foreign_graph(tmp_path / "model.onnx")), told(tmp_path / "store"))
    graph = tmp_path / "store" / "cars" / "1" / "model.onnx"
    session = onnxruntime.InferenceSession(graph, providers=[CPU])
    logits, maps = session.run(["logits", "activation_map"], {"images": prepared()})
    bias = next(t for t in onnx.load(graph).graph.initializer if t.name.endswith("bias"))
    assert logits == pytest.approx(maps.mean((2, 3)) + numpy_helper.to_array(bias), abs=1e-4)


def test_a_state_dict_is_answered_the_same(tmp_path: Path) -> None:
    """A ResNet under torchvision's names, strictly; the handler's code lies in the archive and never runs."""
    made = network()
    torch.save(state(made), tmp_path / "weights.pt")
    path = archive(tmp_path, tmp_path / "weights.pt", str(tmp_path / "mine.py"))
    lines = import_mar(path, told(tmp_path / "store", name="mine", short=0))
    assert any("mine.py" in line and "code" in line for line in lines)
    artifact = read_artifact(tmp_path / "store" / "mine" / "1")
    pixels = np.stack([to_input(data, SIDE).rgb for data in PHOTOGRAPHS])
    expected = made(torch.from_numpy(pixels))[0].detach().numpy()
    assert TOLERANCE > np.abs(expected - answers(artifact)).max()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # deprecated, and what old archives hold
def test_torchscript_needs_trust(tmp_path: Path) -> None:
    """It is a program: refused by name, and with --trust only its tensors are taken, in the child."""
    script = torch.jit.trace(_Plain(network()), torch.zeros(1, 3, SIDE, SIDE))
    script.save(tmp_path / "script.pt")
    path = archive(tmp_path, tmp_path / "script.pt")
    with pytest.raises(DataError, match="TorchScript, which is a program"):
        import_mar(path, told(tmp_path / "store"))
    import_mar(path, told(tmp_path / "store", is_trusted=True))
    assert "cars" == read_artifact(tmp_path / "store" / "cars" / "1").manifest.name


class _Plain(torch.nn.Module):
    """The backbone's children and the head, under their own names, as a plain classifier."""

    def __init__(self, made: AdaptedNetwork) -> None:
        super().__init__()
        for name, child in made.named_children():
            self.add_module(name, child)
        self.__dict__["made"] = made

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: AdaptedNetwork = self.__dict__["made"]
        return made.fc(made.__dict__["backbone"].run(x).mean((2, 3)))  # type: ignore[no-any-return] # stubs say Any


class _Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (self.path, "w"))


def test_a_pickle_with_code_is_refused(tmp_path: Path) -> None:
    """And its code has not run."""
    (tmp_path / "evil.pt").write_bytes(pickle.dumps({"conv1.weight": _Evil(str(tmp_path / "ran"))}))
    path = archive(tmp_path, tmp_path / "evil.pt")
    with pytest.raises(DataError, match="no plain state dict"):
        import_mar(path, told(tmp_path / "store"))
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "store").exists()


def test_a_network_of_another_kind_is_named(tmp_path: Path) -> None:
    """Which file, and what was expected."""
    torch.save({"blocks.0.weight": torch.zeros(3)}, tmp_path / "weights.pt")
    with pytest.raises(DataError, match="not a ResNet of basic blocks"):
        import_mar(archive(tmp_path, tmp_path / "weights.pt"), told(tmp_path / "store"))


def test_a_graph_without_a_linear_head_is_named(tmp_path: Path) -> None:
    """Its activation map cannot be made, so it is not made up."""
    path = archive(tmp_path, foreign_graph(tmp_path / "model.onnx", "Tanh"))
    with pytest.raises(DataError, match="cannot be carried over: graph: ends in Tanh"):
        import_mar(path, told(tmp_path / "store"))


def test_an_archive_of_ours_comes_back_whole(tmp_path: Path) -> None:
    """Every file with its hash."""
    artifact = write_model(tmp_path / "store", "tiny")
    import_mar(package(artifact.folder, tmp_path, Packaging(runtime="onnx")), Told(tmp_path / "other"))
    assert artifact.manifest == read_artifact(tmp_path / "other" / "tiny" / "1").manifest
