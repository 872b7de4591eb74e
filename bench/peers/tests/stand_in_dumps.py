"""What the stand-in for hewn computes, by PyTorch."""

import argparse

import numpy as np
import torch
from PIL import Image

from weights_tools import safetensors_file
from weights_tools.convert.clip import MERGES
from weights_tools.convert.clip import load_network as load_clip
from weights_tools.convert.completion import load_network as load_completion
from weights_tools.convert.raft import load_network
from weights_tools.nets.clip import (
    encoded_texts,
    image_tower,
    normalised_colours,
    unit_length,
)
from weights_tools.nets.clip_tokens import Tokenizer
from weights_tools.nets.completion import LAST, completion, prepared
from weights_tools.nets.superpoint import superpoint


def _flow(arguments: argparse.Namespace) -> None:
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


def _keypoints(arguments: argparse.Namespace) -> None:
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


def _completion(arguments: argparse.Namespace) -> None:
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


def _features(arguments: argparse.Namespace) -> None:
    stored, settings = load_clip(arguments.weights)
    weights = {n: t.float() if t.is_floating_point() else t for n, t in stored.items()}
    pictures = []
    for path in arguments.images:
        with Image.open(path) as picture:
            values = np.asarray(picture, dtype=np.float32) / 255
        pictures.append(torch.from_numpy(values).permute(2, 0, 1))
    labels = arguments.labels_file.read_text().splitlines()
    texts = [arguments.template.replace("{}", label) for label in labels]
    with torch.inference_mode():
        inputs = normalised_colours(torch.stack(pictures), settings)
        tokens = Tokenizer(stored[MERGES]).tokens(texts)
        tensors = {
            "image_features": unit_length(image_tower(weights, settings, inputs)),
            "text_features": unit_length(encoded_texts(weights, settings, tokens)),
        }
    if arguments.fault == "wrong":
        tensors = {name: tensor * 1.001 for name, tensor in tensors.items()}
    safetensors_file.write(arguments.dump, tensors, {})


DUMPS = {
    "keypoints": _keypoints,
    "flow": _flow,
    "complete": _completion,
    "classify": _features,
}
