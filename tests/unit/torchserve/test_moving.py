"""TorchServe's configuration in our words."""

from pathlib import Path

import pytest

from serving.settings import Settings
from serving.torchserve import moving
from serving.torchserve.moving import properties, torchserve_config, translate

THEIRS = r"""
# of a server in production
inference_address=http://0.0.0.0:8085
metrics_address = http://127.0.0.1:8082
job_queue_size=200
default_response_timeout=30
number_of_gpu=0
keystore_pass=secret
number_of_netty_threads=4
models={\
  "bus": {"1.0": {"minWorkers": 2, "batchSize": 8, "responseTimeout": 20}}}
cors_allowed_origin=*
load_models=all
made_up=1
"""


def settings(text: str) -> dict[str, str]:
    """What an env file reader takes from the output."""
    return dict(line.split("=", 1) for line in translate(text) if line and not line.startswith("#"))


def test_equal_settings_are_printed() -> None:
    """Addresses, limits and deadlines have equals; a model's own timeout wins, as it stands later."""
    expected = {"THAW_HOST": "0.0.0.0", "THAW_PORT": "8085", "THAW_OPS_PORT": "8082", "THAW_SLOTS": "200"}
    expected |= {"THAW_PROVIDER": "cpu", "THAW_BATCH_LIMIT": "8", "THAW_DEADLINE_MS": "20000"}
    assert expected == settings(THEIRS)


def test_every_line_is_answered() -> None:
    """Each property appears, with its equal or a reason."""
    printed = translate(THEIRS)
    for name, _ in properties(THEIRS):
        (at,) = [i for i, line in enumerate(printed) if line.startswith(f"# {name}=")]
        assert printed[at + 1], name
    assert "# none: TorchServe 0.12 knows no such property either" in printed


def test_a_password_is_not_repeated() -> None:
    """The output goes into repositories."""
    assert "secret" not in "\n".join(translate(THEIRS))


def test_the_variables_exist() -> None:
    """Every setting that any rule can print is one of the server's."""
    known = {f"THAW_{name.upper()}" for name in Settings.model_fields}
    text = "\n".join(f"{name}=1" for name in moving._RULES) + '\nmodels={"m":{"1":{"batchSize":2,"responseTimeout":3}}}'
    text += "\ninference_address=http://x:1\n"
    assert settings(text).keys() <= known


@pytest.mark.parametrize("line", ["job_queue_size=many", "models={", "inference_address=unix:/tmp/x", "models=[]"])
def test_a_value_that_makes_no_sense_is_said(line: str) -> None:
    """And no setting is guessed from it."""
    assert {} == settings(line)
    assert translate(line)[1].startswith(("# not understood", "# none"))


def test_a_missing_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its path."""
    assert 1 == torchserve_config(tmp_path / "config.properties")
    assert "config.properties" in capsys.readouterr().err
