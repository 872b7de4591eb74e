"""Stands in for the program hewn, by PyTorch and made-up times; `--fault` makes it lie."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from weights_tools import safetensors_file
from weights_tools.convert.completion import load_network as load_completion
from weights_tools.convert.raft import load_network
from weights_tools.nets.completion import LAST, completion, prepared
from weights_tools.nets.superpoint import superpoint

FAULTS = ("none", "wrong", "missing", "shape", "crash", "report")
MEDIAN_SECONDS = 0.25
PEAK_BYTES = 42_000_000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=FAULTS, required=True)
    parser.add_argument("--version", action="version", version="hewn 9.8.7")
    commands = parser.add_subparsers(dest="command", required=True)
    keypoints = commands.add_parser("keypoints")
    keypoints.add_argument("image", type=Path)
    flow = commands.add_parser("flow")
    flow.add_argument("images", type=Path, nargs=2)
    complete = commands.add_parser("complete")
    complete.add_argument("image", type=Path)
    complete.add_argument("--mask", type=Path, required=True)
    complete.add_argument("--postprocess", choices=["none"], required=True)
    for command in (keypoints, flow, complete):
        command.add_argument("--dump", type=Path, required=True)
    bench = commands.add_parser("bench")
    bench.add_argument("network", choices=["keypoints", "flow", "complete"])
    bench.add_argument("--size", required=True)
    bench.add_argument("--repeat", type=int, required=True)
    bench.add_argument("--json", type=Path, required=True)
    for command in (flow, bench):
        command.add_argument("--iters", type=int)
    for command in (keypoints, flow, complete, bench):
        command.add_argument("--weights", type=Path, required=True)
        command.add_argument("--threads", type=int, required=True)
        command.add_argument("--quiet", action="store_true")
    return parser.parse_args()


def _dump_flow(arguments: argparse.Namespace) -> None:
    pictures = []
    for path in arguments.images:
        with Image.open(path) as picture:
            values = np.asarray(picture, dtype=np.float32)
        pictures.append(torch.from_numpy(values).permute(2, 0, 1)[None])
    with torch.inference_mode():
        output = load_network(arguments.weights)(*pictures, arguments.iters)
    tensors = {"flow": output.flow, "flow_low": output.flow_low[-1]}
    if arguments.fault == "wrong":
        tensors["flow_low"] = tensors["flow_low"] * 1.001
    safetensors_file.write(arguments.dump, tensors, {})


def _dump_keypoints(arguments: argparse.Namespace) -> None:
    with Image.open(arguments.image) as picture:
        pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255)
    output = superpoint(safetensors_file.read(arguments.weights).tensors, pixels[None, None])
    tensors = {"semi": output.semi, "scores": output.scores}
    if output.descriptors is not None:
        tensors["descriptors"] = output.descriptors
    match arguments.fault:
        case "wrong":
            tensors["semi"] = tensors["semi"] * 1.001
        case "missing":
            del tensors["scores"]
        case "shape":
            tensors["semi"] = tensors["semi"][:, :64]
    safetensors_file.write(arguments.dump, tensors, {})


def _dump_completion(arguments: argparse.Namespace) -> None:
    with Image.open(arguments.image) as picture:
        pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255)
    with Image.open(arguments.mask) as mask:
        hole = torch.from_numpy(np.asarray(mask, dtype=np.float32) / 255)
    weights, preparation = load_completion(arguments.weights)
    inputs = prepared(pixels.permute(2, 0, 1)[None], hole[None, None], preparation)
    with torch.inference_mode():
        raw = completion(weights, inputs)[LAST]
    if arguments.fault == "wrong":
        raw = raw * 1.001
    safetensors_file.write(arguments.dump, {"raw": raw}, {})


def main() -> None:
    arguments = _arguments()
    if arguments.fault == "crash":
        raise SystemExit("hewn: out of luck")
    dumps = {"keypoints": _dump_keypoints, "flow": _dump_flow, "complete": _dump_completion}
    if arguments.command in dumps:
        dumps[arguments.command](arguments)
        return
    network = {"median_seconds": MEDIAN_SECONDS}
    report = {"network": network, "peak_resident_bytes": PEAK_BYTES, "isa": "scalar"}
    if arguments.fault == "report":
        del report["isa"]
    arguments.json.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
