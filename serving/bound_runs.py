"""Runs of a session on a device: batches filled up to few sizes, each with memory of its own that stays bound."""

import threading

import numpy as np
from numpy.typing import NDArray

from serving.runtime import onnxruntime


def padded_sizes(limit: int) -> tuple[int, ...]:
    """1, 2, 4, ... and `limit` itself: at most half of a batch is filling."""
    powers = [1 << power for power in range(limit.bit_length())]
    return tuple(sorted({*(size for size in powers if size < limit), limit}))


class BoundRuns:
    """Every size has run when this is made: kernels are chosen and memory is taken before anybody waits."""

    def __init__(self, session: onnxruntime.InferenceSession, limit: int, device: str) -> None:
        """session: takes uint8 (N, S, S, 3) as `images`. device: cpu or cuda, where the input lies."""
        self._session = session
        self._device = device
        self._sizes = padded_sizes(limit)
        self._side = int(session.get_inputs()[0].shape[1])
        self._one_at_a_time = threading.Lock()  # the memory is shared between calls
        self._inputs = {
            size: self._filled(np.zeros((size, self._side, self._side, 3), np.uint8)) for size in self._sizes
        }
        outputs = tuple(node.name for node in session.get_outputs())
        for size in self._sizes:
            self.run(np.zeros((size, self._side, self._side, 3), np.uint8), outputs)

    def run(self, images: NDArray[np.uint8], wanted: tuple[str, ...]) -> list[NDArray[np.float32]]:
        """images: uint8 (N, S, S, 3). The wanted outputs, N rows of each; more than the limit goes in parts."""
        most = self._sizes[-1]
        parts = [self._run(images[start : start + most], wanted) for start in range(0, len(images), most)]
        return parts[0] if len(parts) == 1 else [np.concatenate(rows) for rows in zip(*parts, strict=True)]

    def _run(self, images: NDArray[np.uint8], wanted: tuple[str, ...]) -> list[NDArray[np.float32]]:
        count = len(images)
        size = next(size for size in self._sizes if size >= count)
        if size > count:
            images = np.concatenate([images, np.zeros((size - count, *images.shape[1:]), np.uint8)])
        with self._one_at_a_time:
            self._inputs[size].update_inplace(np.ascontiguousarray(images))
            binding = self._session.io_binding()
            binding.bind_ortvalue_input("images", self._inputs[size])
            for name in wanted:
                binding.bind_output(name, "cpu")
            self._session.run_with_iobinding(binding)
            return [rows[:count] for rows in binding.copy_outputs_to_cpu()]

    def _filled(self, array: NDArray[np.uint8]) -> onnxruntime.OrtValue:
        return onnxruntime.OrtValue.ortvalue_from_numpy(array, self._device, 0)
