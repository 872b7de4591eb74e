"""OpenVINO's CPU plugin, which reads the ONNX file itself."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino

from bench.peers import files


class Session:
    note = ""

    def __init__(self, folder: Path, inputs: Mapping[str, np.ndarray], threads: int) -> None:
        config = {
            "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 on processors that have it
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
        }
        model = openvino.Core().compile_model(str(folder / files.ONNX), "CPU", config)
        self._request = model.create_infer_request()
        self._inputs = inputs  # shared, not copied: they must outlive the request
        for name, array in inputs.items():
            self._request.set_tensor(name, openvino.Tensor(array, shared_memory=True))

    def run(self) -> None:
        self._request.infer(share_outputs=True)

    def outputs(self) -> list[np.ndarray]:
        return [np.array(tensor.data) for tensor in self._request.output_tensors]
