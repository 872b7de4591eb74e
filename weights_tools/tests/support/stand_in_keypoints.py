"""Stands in for `hewn keypoints`, by PyTorch in float32; `--fault` makes it lie in one way."""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from weights_tools import safetensors_file
from weights_tools.nets.superpoint import superpoint
from weights_tools.nets.superpoint_keypoints import (
    KeypointOptions,
    extract_keypoints,
    sample_descriptors,
)
from weights_tools.tests.support.stand_in import StandIn


def _arguments() -> argparse.Namespace:
    faults = "input layer drop-keypoint order descriptor missing-tensor report"
    parser = StandIn("keypoints", faults)
    parser.add_argument("image", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--trace", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--precise", action="store_true")
    return parser.start()


def main() -> None:
    arguments = _arguments()
    contents = safetensors_file.read(arguments.weights)
    sampling = json.loads(contents.metadata["hewn.config"])["descriptor_sampling"]
    with Image.open(arguments.image) as picture:
        pixels = torch.from_numpy(np.asarray(picture.convert("L"), dtype=np.float32) / 255)
    output = superpoint(contents.tensors, pixels[None, None])
    keypoints = extract_keypoints(output.scores[0], KeypointOptions())

    dump = {
        "semi": output.semi,
        "scores": output.scores,
        "keypoints": keypoints.positions,
        "keypoint_scores": keypoints.scores,
    }
    if output.descriptors is not None:
        dump["descriptors"] = output.descriptors
        dump["keypoint_descriptors"] = sample_descriptors(
            keypoints.positions, output.descriptors[0], sampling
        )
    report = [
        {"x": x, "y": y, "score": score}
        for (x, y), score in zip(
            keypoints.positions.tolist(), keypoints.scores.tolist(), strict=True
        )
    ]
    if arguments.fault == "report":
        report[2]["score"] += 1e-5
    arguments.json.write_text(json.dumps({"keypoints": report}))

    _spoil(arguments.fault, dump, output.trace)
    safetensors_file.write(arguments.dump, dump, {})
    safetensors_file.write(arguments.trace, output.trace, {})


def _spoil(fault: str, dump: dict[str, torch.Tensor], trace: dict[str, torch.Tensor]) -> None:
    match fault:
        case "input":
            trace["input"] = trace["input"] + 1e-6
        case "layer":
            trace["conv2a"] = trace["conv2a"] * 1.001
        case "drop-keypoint":
            for name in ("keypoints", "keypoint_scores", "keypoint_descriptors"):
                dump[name] = dump[name][1:]
        case "order":
            dump["keypoints"] = dump["keypoints"].flip(0)
        case "descriptor":
            dump["keypoint_descriptors"] = dump["keypoint_descriptors"].roll(1, dims=1)
        case "missing-tensor":
            del trace["conv3b.max_pool"]


if __name__ == "__main__":
    main()
