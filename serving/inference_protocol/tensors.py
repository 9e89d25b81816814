"""Tensors on the wire -> photographs; results -> tensors on the wire. Row-major, little-endian, as Triton has it."""

import struct
from collections.abc import Iterable, Iterator
from itertools import chain
from math import prod
from typing import cast

import numpy as np
from numpy.typing import NDArray

from serving.bodies import read_base64
from serving.errors import Refusal
from serving.inference_protocol.documents import ENCODED, InputTensor

_LENGTH = struct.Struct("<I")  # before each element of a BYTES tensor
_DEEPEST = 4  # levels of nested lists; numpy's own limit is 64


def read_photographs(tensor: InputTensor, behind: memoryview, size: int) -> list[bytes | NDArray[np.uint8] | Refusal]:
    """One entry per photograph: encoded bytes, or uint8 (size, size, 3).

    behind: what follows the JSON. Raises Refusal: malformed-body, with the name of the input and what it lacks.
    """
    expected = tensor.parameters.binary_data_size
    if len(behind) != (expected or 0):
        raise Refusal(
            "malformed-body",
            f"{len(behind)} bytes follow the JSON, but its inputs announce {expected or 0} as `binary_data_size`. "
            "Set it and Inference-Header-Content-Length to the true lengths.",
        )
    if (expected is None) == (tensor.data is None):
        raise _wrong(tensor, "needs either `data` or `binary_data_size`", "give one of them")
    if tensor.name == ENCODED:
        return cast("list[bytes | NDArray[np.uint8] | Refusal]", _encoded(tensor, behind))
    return list(_pixels(tensor, behind, size))


def _encoded(tensor: InputTensor, behind: memoryview) -> list[bytes]:
    if tensor.datatype != "BYTES" or len(tensor.shape) > 2 or tensor.shape[1:] not in ([], [1]):
        raise _wrong(tensor, f"is {tensor.datatype} {tensor.shape}", "send BYTES [N] or [N, 1], a photograph each")
    photographs = list(_split(behind)) if tensor.data is None else [*_from_json(tensor.data)]
    if len(photographs) != prod(tensor.shape):
        raise _wrong(tensor, f"has shape {tensor.shape} but {len(photographs)} elements", "make them agree")
    return photographs


def _split(packed: memoryview) -> Iterator[bytes]:
    """Elements that are each preceded by their length."""
    at = 0
    while at < len(packed):
        end = at + _LENGTH.size
        if end <= len(packed):
            end += _LENGTH.unpack_from(packed, at)[0]
        if end > len(packed):
            raise Refusal(
                "malformed-body",
                f"`{ENCODED}`: the element at byte {at} ends after the tensor. Put each one's length before it, "
                "four bytes, little-endian.",
            )
        yield bytes(packed[at + _LENGTH.size : end])
        at = end


def _from_json(data: list[object]) -> Iterator[bytes]:
    for place, element in enumerate(_flat(data)):
        text = element["b64"] if isinstance(element, dict) and element.keys() == {"b64"} else element
        photograph = read_base64(text, f"{ENCODED}[{place}]")
        if isinstance(photograph, Refusal):
            raise photograph
        yield photograph


def _flat(data: list[object], depth: int = 1) -> Iterable[object]:
    if depth > _DEEPEST:
        raise Refusal("malformed-body", f"`data` is nested deeper than {_DEEPEST} lists. Send it flat.")
    return chain.from_iterable(_flat(item, depth + 1) if isinstance(item, list) else (item,) for item in data)


def _pixels(tensor: InputTensor, behind: memoryview, size: int) -> NDArray[np.uint8]:
    wanted = [size, size, 3]
    if tensor.datatype != "UINT8" or tensor.shape[1:] != wanted or tensor.shape[0] < 0:
        raise _wrong(tensor, f"is {tensor.datatype} {tensor.shape}", f"send UINT8 [N, {size}, {size}, 3], RGB")
    values = np.frombuffer(behind, np.uint8) if tensor.data is None else _numbers(tensor)
    if values.size != prod(tensor.shape) or (values.ndim > 1 and list(values.shape) != tensor.shape):
        found = f"{values.size} values" if values.ndim == 1 else f"values of shape {list(values.shape)}"
        raise _wrong(tensor, f"has shape {tensor.shape} but {found}", "make them agree")
    return values.reshape(tensor.shape)


def _numbers(tensor: InputTensor) -> NDArray[np.uint8]:
    try:
        values = np.asarray(tensor.data)
    except (ValueError, OverflowError):  # lists of unequal lengths, or nested too deep
        values = np.asarray("ragged")
    if values.size and (values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255):
        raise _wrong(tensor, "holds something else than whole numbers from 0 to 255", "send bytes of pixels, or a file")
    return values.astype(np.uint8)


def _wrong(tensor: InputTensor, what: str, remedy: str) -> Refusal:
    return Refusal("malformed-body", f"`{tensor.name}` {what}. {remedy[0].upper()}{remedy[1:]}.")


def pack(elements: Iterable[bytes]) -> bytes:
    """A BYTES tensor: each element preceded by its length."""
    return b"".join(_LENGTH.pack(len(element)) + element for element in elements)
