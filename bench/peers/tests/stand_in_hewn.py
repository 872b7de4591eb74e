"""Stands in for the program hewn, by PyTorch and made-up times; `--fault` makes it lie."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from weights_tools import safetensors_file
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
    keypoints.add_argument("--dump", type=Path, required=True)
    bench = commands.add_parser("bench")
    bench.add_argument("network", choices=["keypoints"])
    bench.add_argument("--size", required=True)
    bench.add_argument("--repeat", type=int, required=True)
    bench.add_argument("--json", type=Path, required=True)
    for command in (keypoints, bench):
        command.add_argument("--weights", type=Path, required=True)
        command.add_argument("--threads", type=int, required=True)
        command.add_argument("--quiet", action="store_true")
    return parser.parse_args()


def _dump(arguments: argparse.Namespace) -> None:
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


def main() -> None:
    arguments = _arguments()
    if arguments.fault == "crash":
        raise SystemExit("hewn: out of luck")
    if arguments.command == "keypoints":
        _dump(arguments)
        return
    network = {"median_seconds": MEDIAN_SECONDS}
    report = {"network": network, "peak_resident_bytes": PEAK_BYTES, "isa": "scalar"}
    if arguments.fault == "report":
        del report["isa"]
    arguments.json.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
