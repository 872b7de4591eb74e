"""Stands in for `hewn classify`, by PyTorch in float32; `--fault` makes it lie in one way."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.audit.clip import DEFAULT_TEMPLATE
from weights_tools.audit.clip_input import prepared
from weights_tools.convert.clip import MERGES, load_network, read_sizes
from weights_tools.convert.prompts import load_prompts
from weights_tools.nets.clip import normalised_colours
from weights_tools.nets.clip_prompts import LearnedPrompts, Texts, classify
from weights_tools.nets.clip_tokens import Tokenizer
from weights_tools.tests.support.stand_in import StandIn


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    faults = "one-level crop layer heads image text logits tokens templates missing-tensor"
    parser = StandIn("classify", faults + " all-rows nan")
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--labels-file", type=Path, required=True)
    parser.add_argument("--template", action="append")
    parser.add_argument("--prompts", type=Path)
    parser.add_argument("--trace", type=Path, required=True)
    return parser.start(argv)


def main(argv: Sequence[str] | None = None) -> None:
    arguments = _arguments(argv)
    fault = arguments.fault
    stored, settings = load_network(arguments.weights)
    weights = {n: t.float() if t.is_floating_point() else t for n, t in stored.items()}
    prompts = LearnedPrompts({})
    if arguments.prompts is not None:
        prompts = load_prompts(arguments.prompts)
    if fault == "heads":
        weights = _heads_swapped(weights)

    side = read_sizes("", "", stored).side
    pixels = torch.stack([_pixels(image, side, fault) for image in arguments.images])
    inputs = normalised_colours(pixels.float() / 255, settings)
    labels = arguments.labels_file.read_text().splitlines()
    templates = arguments.template or [DEFAULT_TEMPLATE]
    if prompts.template is not None:
        templates = [prompts.template]
    tokenizer = Tokenizer(stored[MERGES])
    filled = [[template.replace("{}", label) for template in templates] for label in labels]
    if fault == "templates":
        filled = [row[::-1] for row in filled]
    tokens = torch.stack([tokenizer.tokens(row) for row in filled])
    texts = Texts(tokens, [len(tokenizer.encode(label)) for label in labels])

    layers: dict[str, Tensor] = {}
    with torch.inference_mode():
        answer = classify(weights, settings, prompts, inputs, texts, layers)
    trace = {"input": inputs} | {name: layer[:, None] for name, layer in layers.items()}
    last = next(reversed(trace))
    if fault != "all-rows":
        trace[last] = trace[last][:, :, :1]
    dump = {
        "image_features": answer.image_features.clone(),
        "text_features": answer.text_features.clone(),
        "logits": answer.logits.clone(),
        "tokens": tokens.flatten(0, 1).int(),
    }
    _spoil(fault, dump, trace)
    safetensors_file.write(arguments.dump, dump, {})
    safetensors_file.write(arguments.trace, trace, {})


def _pixels(path: Path, side: int, fault: str) -> Tensor:
    with Image.open(path) as picture:
        picture.load()
    if fault == "crop":
        picture = picture.crop((2, 2, *picture.size))
    pixels = prepared(picture, side).float()
    if fault == "one-level":
        pixels[0, 3, 5] += 1 if pixels[0, 3, 5] < 255 else -1
    return pixels


def _heads_swapped(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Its query's heads see the keys of others."""
    name = "visual.transformer.resblocks.1.attn.in_proj_weight"
    joint = weights[name].clone()
    width = joint.shape[1]
    joint[:width] = joint[:width].unflatten(0, (-1, 64)).flip(0).flatten(0, 1)
    return weights | {name: joint}


def _spoil(fault: str, dump: dict[str, Tensor], trace: dict[str, Tensor]) -> None:
    match fault:
        case "layer":
            trace["visual.ln_pre"] = trace["visual.ln_pre"] * 1.001
        case "image" | "text":
            features = dump[f"{fault}_features"]
            features[..., 0] += 1e-3
        case "logits":
            dump["logits"] = dump["logits"] / 1.001
        case "tokens":
            dump["tokens"][0, 2] += 1
        case "missing-tensor":
            del trace["visual.transformer.resblocks.1"]
        case "nan":
            dump["text_features"][0, 3] = torch.nan


if __name__ == "__main__":
    main()
