"""ONNX Runtime on its CPU provider."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from bench.peers import files


class Session:
    note = ""

    def __init__(self, folder: Path, inputs: Mapping[str, np.ndarray], threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / files.ONNX), options, providers=["CPUExecutionProvider"]
        )
        self._binding = self._session.io_binding()
        self._inputs = inputs  # bound, not copied: they must outlive the binding
        for name, array in inputs.items():
            self._binding.bind_cpu_input(name, array)
        for output in self._session.get_outputs():
            self._binding.bind_output(output.name)

    def run(self) -> None:
        self._session.run_with_iobinding(self._binding)

    def outputs(self) -> list[np.ndarray]:
        return self._binding.copy_outputs_to_cpu()
