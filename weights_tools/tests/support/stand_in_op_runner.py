"""Stands in for hewn_op_runner, by PyTorch in float32; `--fault` spoils every first element."""

import argparse
import json
from pathlib import Path

import torch

from weights_tools import safetensors_file
from weights_tools.audit.ops.operators import OPERATORS
from weights_tools.audit.ops.selection import largest_first


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("question", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--fault", type=float, default=0.0, help="relative error of an element")
    arguments = parser.parse_args()
    if arguments.threads:  # PyTorch's sums and tails depend on how the work is split
        torch.set_num_threads(arguments.threads)

    contents = safetensors_file.read(arguments.question)
    outputs = {}
    for case in json.loads(contents.metadata["cases"]):
        prefix = f"{case['id']}."
        tensors = {
            name.removeprefix(prefix): tensor
            for name, tensor in contents.tensors.items()
            if name.startswith(prefix)
        }
        y = OPERATORS[case["op"]].reference(case["params"], tensors).clone().contiguous()
        if y.numel():
            y.flatten()[0] *= 1 + arguments.fault
        outputs[f"{prefix}y"] = y
        if case["op"] == "topk":
            outputs[f"{prefix}indices"] = largest_first(case["params"], tensors)
    safetensors_file.write(arguments.answer, outputs, {})


if __name__ == "__main__":
    main()
