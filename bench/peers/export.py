"""Hands a PyTorch module over to the peers, each in its own format, in float32."""

import warnings
from pathlib import Path

import numpy as np
import torch

from bench.peers import files
from bench.peers.networks.network import Network
from weights_tools.audit.program import run_program

_OPSET = 17


def write_inputs(network: Network, folder: Path) -> None:
    """All peers read their inputs from here."""
    arrays = {name: tensor.numpy() for name, tensor in network.inputs.items()}
    np.savez(folder / files.INPUTS, **arrays)


def to_torch(network: Network, folder: Path) -> None:
    torch.save(network.module, folder / files.TORCH)


def to_onnx(network: Network, folder: Path) -> None:
    """Fixed shapes, so that a runtime can plan its memory and choose algorithms when it loads."""
    with warnings.catch_warnings():
        # The newer exporter needs one more package, and writes the same convolutions.
        warnings.simplefilter("ignore", DeprecationWarning)
        # PyTorch's instance norm looks at its input's shape, and uses its own statistics always.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", ".*'instance_norm' is set to train=True")
        # Which cannot be negative in any of the networks.
        warnings.filterwarnings("ignore", ".*If indices include negative values")
        torch.onnx.export(
            network.module,
            tuple(network.inputs.values()),
            folder / files.ONNX,
            input_names=list(network.inputs),
            output_names=list(network.outputs),
            opset_version=_OPSET,
            dynamo=False,
        )


def to_ncnn(network: Network, folder: Path) -> None:
    """By way of pnnx, ncnn's own converter, which fuses activations into convolutions."""
    from pnnx import EXEC_PATH

    inputs = tuple(network.inputs.values())
    script = folder / files.TORCHSCRIPT
    with warnings.catch_warnings():
        # pnnx reads no newer format; PyTorch's versions warn in either way.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        torch.jit.trace(network.module, inputs).save(str(script))
    shapes = ",".join(f"[{','.join(map(str, tensor.shape))}]" for tensor in inputs)
    outputs = {
        "ncnnparam": files.NCNN_PARAM,
        "ncnnbin": files.NCNN_BIN,
        "ncnnpy": "model_ncnn.py",
        "pnnxparam": "model.pnnx.param",
        "pnnxbin": "model.pnnx.bin",
        "pnnxpy": "model_pnnx.py",
        "pnnxonnx": "model.pnnx.onnx",
    }
    options = [f"{option}={folder / name}" for option, name in outputs.items()]
    run_program([EXEC_PATH, str(script), f"inputshape={shapes}", "fp16=0", *options])
