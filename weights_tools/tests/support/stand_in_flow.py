"""Stands in for `hewn flow`, by PyTorch in float32; `--fault` makes it lie in one way."""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from weights_tools import flow_file, safetensors_file
from weights_tools.audit.raft_trace import traced_run
from weights_tools.convert.raft import load_network
from weights_tools.nets.raft import Padding
from weights_tools.tests.support.stand_in import StandIn


def _arguments() -> argparse.Namespace:
    faults = "correlation-order padding input layer init mask last-flow trace crop missing-tensor"
    parser = StandIn("flow", faults)
    parser.add_argument("images", type=Path, nargs=2)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--iters", type=int, default=20)
    parser.add_argument("--init", type=Path)
    parser.add_argument("--pad", choices=["sintel", "kitti"], default="sintel")
    parser.add_argument("--corr", choices=["all-pairs", "on-demand", "auto"], default="auto")
    parser.add_argument("--precise", action="store_true")
    parser.add_argument("--all-iterations", action="store_true", required=True)
    parser.add_argument("--trace", type=Path, required=True)
    return parser.start()


def _read_picture(path: Path) -> Tensor:
    with Image.open(path) as picture:
        values = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(values).permute(2, 0, 1)[None]


def main() -> None:
    arguments = _arguments()
    fault = arguments.fault
    network = load_network(arguments.weights)
    if fault == "correlation-order":
        network.update_block.encoder.register_forward_pre_hook(_swap_x_and_y)
    pictures = torch.cat([_read_picture(path) for path in arguments.images])
    way = {"sintel": "kitti", "kitti": "sintel"}[arguments.pad] if fault == "padding" else None
    padding = Padding.for_size(*pictures.shape[2:], way or arguments.pad)
    initial_flow = None
    if arguments.init is not None and fault != "init":
        initial_flow = flow_file.read(arguments.init)

    padded = padding.pad(pictures)
    trace = traced_run(network, padded, padding, arguments.iters, initial_flow)
    trace["input"] = padded
    iterations = range(arguments.iters)
    flows = torch.cat([trace.pop(f"{i}.flow") for i in iterations])
    flows_low = torch.cat([trace[f"{i}.flow_low"] for i in iterations])
    dump = {
        "flow": flows[-1:].clone(),
        "flow_low": flows_low[-1:].clone(),
        "flows": flows,
        "flows_low": flows_low,
    }
    _spoil(fault, dump, trace)
    safetensors_file.write(arguments.dump, dump, {})
    safetensors_file.write(arguments.trace, trace, {})


def _swap_x_and_y(_: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The window of each level row by row, where the checkpoints have it column by column."""
    flow, correlation = inputs
    levels = correlation.unflatten(1, (4, -1))
    side = round(levels.shape[2] ** 0.5)
    return flow, levels.unflatten(2, (side, side)).transpose(2, 3).flatten(1, 3)


def _spoil(fault: str, dump: dict[str, Tensor], trace: dict[str, Tensor]) -> None:
    match fault:
        case "input":
            trace["input"] = trace["input"].flip(1)  # BGR
        case "layer":
            trace["cnet.layer2.1"] = trace["cnet.layer2.1"] * 1.001
        case "mask":
            trace["1.mask"] = 4 * trace["1.mask"]
        case "last-flow":
            dump["flow"] = dump["flows"][:1].clone()
        case "trace":
            trace["1.flow_low"] = trace["0.flow_low"].clone()
        case "crop":
            dump["flow"] = dump["flow"][..., :-1, :]
        case "missing-tensor":
            del trace["2.hidden"]


if __name__ == "__main__":
    main()
