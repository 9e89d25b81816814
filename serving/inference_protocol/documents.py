"""The JSON of the protocol: what clients send, checked; what they get. /openapi.json is made from these types."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypedDict

from serving.engine import OUTPUTS
from serving.errors import Refusal
from serving.parameters import LONGEST_TIMEOUT_MS

OutputName = Literal["probabilities", "logits", "activation_map"]
PIXELS, ENCODED = "images", "image_bytes"
_CLIENT_WORDS = 60  # characters of a client's own words that an error repeats


class _Sent(BaseModel):
    """Keys that we do not know are left to those who do: the protocol lets servers have parameters of their own."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


Length = Annotated[int, Field(ge=0, lt=2**31)]


class InputParameters(_Sent):
    """Of one input tensor."""

    binary_data_size: int | None = Field(None, ge=0, description="Bytes of this tensor behind the JSON.")
    shared_memory_region: None = Field(None, description="Not offered.")


class InputTensor(_Sent):
    """`images`: pixels exactly as the graph takes them. `image_bytes`: encoded photographs, decoded here."""

    name: Literal["images", "image_bytes"]
    shape: list[Length] = Field(
        min_length=1, max_length=4, description="[N, S, S, 3], or [N] or [N, 1] of photographs."
    )
    datatype: Literal["UINT8", "BYTES"]
    parameters: InputParameters = InputParameters()
    data: list[Any] | None = Field(
        None, description='Flat or nested. Numbers from 0 to 255, or base64 strings, or {"b64": "<base64>"}.'
    )


class OutputParameters(_Sent):
    """Of one requested output."""

    binary_data: bool | None = Field(None, description="Behind the JSON instead of in it.")
    classification: int | None = Field(None, ge=0, description="Highest so many as `score:index:label`; 0: off.")
    shared_memory_region: None = Field(None, description="Not offered.")


class RequestedOutput(_Sent):
    """One output of the graph."""

    name: OutputName
    parameters: OutputParameters = OutputParameters()


class RequestParameters(_Sent):
    """Of the whole request."""

    binary_data_output: bool = Field(False, description="`binary_data` of outputs that do not say.")
    timeout: int | None = Field(
        None, ge=0, le=LONGEST_TIMEOUT_MS * 1000, description="Microseconds until the answer is worthless; 0: default."
    )


class InferRequest(_Sent):
    """Body of infer, or its JSON part."""

    id: str = Field("", description="Returned as it came.")
    parameters: RequestParameters = RequestParameters()
    inputs: list[InputTensor] = Field(min_length=1, max_length=1, description="`images` or `image_bytes`.")
    outputs: list[RequestedOutput] = Field([], max_length=len(OUTPUTS), description="All three when left out.")


class TensorMetadata(TypedDict):
    """-1 in a shape is any length."""

    name: str
    datatype: str
    shape: list[int]


class ModelParameters(TypedDict):
    """What a tensor cannot say: the label of each column, from which score on it counts as the new class, the graph."""

    labels: list[str]
    decision_label: str
    decision_threshold: float
    variant: str


class ModelMetadata(TypedDict):
    """Of one model. Send one of the two inputs."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: ModelParameters


class ServerMetadata(TypedDict):
    """`provider`: the ONNX Runtime execution provider in use."""

    name: str
    version: str
    extensions: list[str]
    provider: str


class AnsweredParameters(TypedDict):
    """Of one tensor of the answer."""

    binary_data_size: int


class AnsweredOutput(TypedDict):
    """One tensor of the answer, row-major; `data` is absent when it lies behind the JSON."""

    name: str
    datatype: str
    shape: list[int]
    parameters: NotRequired[AnsweredParameters]
    data: NotRequired[list[float] | list[str]]


class AnswerParameters(TypedDict):
    """Of the whole answer. `variant`: float32, int8 or fp16, the graph that answered."""

    variant: str


class InferAnswer(TypedDict):
    """Body of the answer, or its JSON part."""

    model_name: str
    model_version: str
    parameters: AnswerParameters
    id: NotRequired[str]
    outputs: list[AnsweredOutput]


def _given(value: object) -> str:
    """A client's own word, if it is one: a list may be the whole photograph."""
    return f" = {value[:_CLIENT_WORDS]!r}" if isinstance(value, str) else ""


def parse_request(document: bytes) -> InferRequest:
    """Raises Refusal: malformed-body, with the place in the document and what was there."""
    try:
        request = InferRequest.model_validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise Refusal(
                "malformed-body",
                'The body is no JSON. Expected {"inputs": [{"name", "shape", "datatype", "data"}]}, or, before binary '
                "tensors, the header Inference-Header-Content-Length.",
            ) from None
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
        found = f"`{place or 'the document'}`{_given(first['input'])}: {first['msg']}"
        raise Refusal("malformed-body", f"{found}. Correct it; GET the model for its tensors.") from None
    names = [output.name for output in request.outputs]
    if len(set(names)) < len(names):
        raise Refusal("malformed-body", f"`outputs` names a tensor twice: {', '.join(names)}. Name each once.")
    return request
