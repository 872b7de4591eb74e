"""ncnn, with its Winograd and packed layouts as they are by default."""

from collections.abc import Mapping
from pathlib import Path

import ncnn
import numpy as np

from bench.peers import files
from weights_tools.errors import ToolError

_REDUCED_PRECISION = (
    "fp16_packed",
    "fp16_storage",
    "fp16_arithmetic",
    "bf16_packed",
    "bf16_storage",
)


class Session:
    note = ""

    def __init__(self, folder: Path, inputs: Mapping[str, np.ndarray], threads: int) -> None:
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = threads
        for feature in _REDUCED_PRECISION:
            setattr(options, f"use_{feature}", False)
        for load, path in (
            (self._net.load_param, folder / files.NCNN_PARAM),
            (self._net.load_model, folder / files.NCNN_BIN),
        ):
            if load(str(path)) != 0:
                raise ToolError(f"{path}: ncnn cannot load it")
        # Without the batch, which ncnn's layers do not have. pnnx numbers inputs and outputs.
        self._inputs = [ncnn.Mat(array[0]).clone() for array in inputs.values()]
        self._outputs: list[ncnn.Mat] = []

    def run(self) -> None:
        extractor = self._net.create_extractor()
        for index, mat in enumerate(self._inputs):
            extractor.input(f"in{index}", mat)
        self._outputs = [extractor.extract(name)[1] for name in self._net.output_names()]

    def outputs(self) -> list[np.ndarray]:
        return [np.array(mat)[None] for mat in self._outputs]
