"""The programs that race: hewn, and peers that each run in a process of `bench.peers.worker`."""

import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from bench.peers import export
from bench.peers.networks.network import Network
from weights_tools import safetensors_file
from weights_tools.audit.program import run_program
from weights_tools.errors import ToolError


@dataclass(frozen=True)
class Turn:
    """What one process measured."""

    seconds: float  # median of its runs, loading and warming up apart
    peak_bytes: int  # the most memory that the whole process had resident
    version: str
    note: str  # the instruction set, or the memory layout


class Program(Protocol):
    """A program that can compute a network, each time in a process that it starts and ends."""

    @property
    def title(self) -> str: ...

    def outputs(self, network: Network, folder: Path, threads: int) -> dict[str, Tensor]:
        """The network's outputs by name."""

    def turn(self, network: Network, folder: Path, threads: int, repeat: int) -> Turn: ...


@dataclass(frozen=True)
class Hewn:
    """HEWN_ISA and HEWN's other variables are passed on to it."""

    program: Path
    title: str = "hewn"

    def outputs(self, network: Network, folder: Path, threads: int) -> dict[str, Tensor]:
        dump = folder / "hewn.safetensors"
        run_program([self.program, *network.hewn_dump, dump, "--threads", str(threads)])
        tensors = safetensors_file.read(dump).tensors
        for name in network.outputs:
            if name not in tensors:
                raise ToolError(f"hewn --dump: expected the tensor {name}, but it is missing")
        return {name: tensors[name] for name in network.outputs}

    def turn(self, network: Network, folder: Path, threads: int, repeat: int) -> Turn:
        path = folder / "hewn.json"
        options = ["--threads", str(threads), "--repeat", str(repeat), "--json", path]
        run_program([self.program, *network.hewn_bench, *options])
        report = _read_json(path)
        try:
            return Turn(
                seconds=float(report[network.stage]["median_seconds"]),
                peak_bytes=int(report["peak_resident_bytes"]),
                version=self._version(),
                note=str(report["isa"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ToolError(f"hewn bench --json: missing or of another type: {error}") from error

    def _version(self) -> str:
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True)
        return said.stdout.strip().removeprefix("hewn ") or "unknown"


@dataclass(frozen=True)
class Peer:
    """A Python package that runs networks; bench/peers/sessions/<package>.py is how."""

    package: str
    title: str
    export: Callable[[Network, Path], None]
    needs: tuple[str, ...] = ()  # other packages, for the export
    batches: bool = True  # whether it takes more than one input at a time

    def missing_packages(self) -> list[str]:
        needed = (self.package, *self.needs)
        return [name for name in needed if importlib.util.find_spec(name) is None]

    def outputs(self, network: Network, folder: Path, threads: int) -> dict[str, Tensor]:
        path = folder / f"{self.package}.npz"
        self._work(folder, threads, 0, ["--outputs", str(path)])
        with np.load(path) as arrays:
            tensors = [torch.from_numpy(array) for array in arrays.values()]
        if len(tensors) != len(network.outputs):
            raise ToolError(
                f"{self.title}: expected {len(network.outputs)} outputs, but got {len(tensors)}"
            )
        return dict(zip(network.outputs, tensors, strict=True))

    def turn(self, network: Network, folder: Path, threads: int, repeat: int) -> Turn:
        report = self._work(folder, threads, repeat, [])
        seconds = statistics.median(report["seconds"])
        return Turn(seconds, report["peak_bytes"], report["version"], report["note"])

    def _work(self, folder: Path, threads: int, repeat: int, options: list[str]) -> Any:
        path = folder / f"{self.package}.json"
        command = [sys.executable, "-m", "bench.peers.worker", self.package, str(folder)]
        command += ["--threads", str(threads), "--repeat", str(repeat), "--report", str(path)]
        # A library that was not told the number of threads by its own option sees it here.
        run_program([*command, *options], {"OMP_NUM_THREADS": str(threads)})
        return _read_json(path)


PEERS = (
    Peer("onnxruntime", "ONNX Runtime", export.to_onnx, needs=("onnx",)),
    Peer("openvino", "OpenVINO", export.to_onnx, needs=("onnx",)),
    Peer("ncnn", "ncnn", export.to_ncnn, needs=("pnnx",), batches=False),
    Peer("torch", "PyTorch", export.to_torch),
)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ToolError(f"{path}: expected a JSON document: {error}") from error
