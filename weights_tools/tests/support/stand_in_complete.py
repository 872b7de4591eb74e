"""Stands in for `hewn complete`, by PyTorch in float32; `--fault` makes it lie in one way."""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.audit.inpainting import TELEA_RADIUS
from weights_tools.audit.poisson import PoissonEquation
from weights_tools.convert import completion as converter
from weights_tools.convert.random_completion import random_checkpoint
from weights_tools.nets.completion import (
    LAST,
    Preparation,
    completed,
    completion,
    cropped,
    prepared,
)
from weights_tools.tests.support.stand_in import StandIn


def _arguments() -> argparse.Namespace:
    faults = "input mask layer dilation known hole crop raw missing-tensor march blend clamp nan"
    parser = StandIn("complete", faults)
    parser.add_argument("image", type=Path)
    parser.add_argument("--mask", type=Path, required=True)
    network = parser.add_mutually_exclusive_group(required=True)
    network.add_argument("--weights", type=Path)
    network.add_argument("--random-weights", type=int)
    parser.add_argument("--postprocess", choices=["none", "fmm", "poisson"], required=True)
    parser.add_argument("--precise", action="store_true")
    parser.add_argument("--quiet", action="store_true", required=True)
    parser.add_argument("--trace", type=Path)
    return parser.start()


def _network(arguments: argparse.Namespace) -> tuple[dict[str, Tensor], Preparation]:
    if arguments.weights is not None:
        return converter.load_network(arguments.weights)
    checkpoint = random_checkpoint(converter.RELU_BN, arguments.random_weights)
    return converter.convert(checkpoint, converter.Options())[0], Preparation()


def main() -> None:
    arguments = _arguments()
    fault = arguments.fault
    weights, preparation = _network(arguments)
    with Image.open(arguments.image) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    with Image.open(arguments.mask) as opened:
        hole = np.asarray(opened.convert("L")) > 127
    picture = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
    mask = torch.from_numpy(hole.astype(np.float32))[None, None]
    seen = 1 - mask if fault == "mask" else mask

    inputs = prepared(picture, seen, preparation)
    if fault == "dilation":
        weights["conv8.weight"] = weights["conv8.weight"].transpose(2, 3)
    with torch.inference_mode():
        trace = completion(weights, inputs)
    raw = cropped(trace[LAST], mask)
    dump = {"raw": raw.clone(), "completed": completed(picture, mask, raw)}
    if arguments.postprocess == "fmm":
        radius = TELEA_RADIUS
        marched = cv2.inpaint(pixels, hole.astype(np.uint8), radius, cv2.INPAINT_TELEA)
        filled = torch.from_numpy(marched.astype(np.float32) / 255).permute(2, 0, 1)[None]
        if fault == "march":
            filled = 0.5 * filled
        dump["completed"] = completed(picture, mask, filled)
    elif arguments.postprocess == "poisson":
        equation = PoissonEquation(
            picture[0].double().numpy(), hole.astype(np.float64), raw[0].double().numpy()
        )
        solution = torch.from_numpy(equation.solve().astype(np.float32))[None]
        if fault == "blend":
            solution = solution * (1 + 1e-4)
        dump["blended"] = completed(picture, mask, solution)
        dump["completed"] = completed(picture, mask, solution.clamp(0, 1))
    _spoil(fault, dump, trace, mask)
    safetensors_file.write(arguments.dump, dump, {})
    if arguments.trace is not None:
        safetensors_file.write(arguments.trace, trace, {})


def _spoil(fault: str, dump: dict[str, Tensor], trace: dict[str, Tensor], mask: Tensor) -> None:
    match fault:
        case "input":
            trace["input"] = trace["input"].flip(1)
        case "layer":
            trace["deconv13"] = trace["deconv13"] * 1.001
        case "known":
            dump["completed"][..., 0, 0] += 2.0**-20
        case "hole" | "clamp":
            dump["completed"] = dump["completed"] + 2.0**-20 * mask
        case "crop":
            dump["raw"] = dump["raw"][..., :-1]
        case "raw":
            dump["raw"] = dump["raw"] * (1 + 2.0**-20)
        case "missing-tensor":
            del trace["conv5"]
        case "nan":
            dump["raw"][mask.expand_as(dump["raw"]).bool()] = torch.nan


if __name__ == "__main__":
    main()
