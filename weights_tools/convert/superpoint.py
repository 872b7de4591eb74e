"""SuperPoint's public checkpoints, and how they become hewn's canonical tensors.

This is the one place that knows the public tensor names. Four forms are in use:

    magicleap   superpoint_v1.pth by Magic Leap: conv -> ReLU, no batch norm
    open-v6     superpoint_v6_from_tf.pth: conv -> ReLU -> batch norm
    conv5a      Magic Leap's names with one more 1x1 layer, conv5a, after conv4b
    magicpoint  encoder and detector head only: conv -> ReLU -> batch norm

Whatever the form, the canonical file has the paper's layer names: `<layer>.weight` (OIHW) and
`<layer>.bias`, and `<layer>.scale`, `<layer>.shift` where batch norm follows the layer. Batch norm
stands after ReLU, so it cannot be folded into the convolution before it; it becomes a scale and a
shift that are applied after the activation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from weights_tools.checkpoints import (
    Checkpoint,
    TensorSpec,
    canonical_metadata,
    check_tensors,
    closest_form,
)
from weights_tools.convert import batch_norm

ENCODER_SHAPES: dict[str, tuple[int, ...]] = {
    "conv1a": (64, 1, 3, 3),
    "conv1b": (64, 64, 3, 3),
    "conv2a": (64, 64, 3, 3),
    "conv2b": (64, 64, 3, 3),
    "conv3a": (128, 64, 3, 3),
    "conv3b": (128, 128, 3, 3),
    "conv4a": (128, 128, 3, 3),
    "conv4b": (128, 128, 3, 3),
}
CONV5A_SHAPES: dict[str, tuple[int, ...]] = {"conv5a": (128, 128, 1, 1)}
DETECTOR_SHAPES: dict[str, tuple[int, ...]] = {
    "convPa": (256, 128, 3, 3),
    "convPb": (65, 256, 1, 1),
}
DESCRIPTOR_SHAPES: dict[str, tuple[int, ...]] = {
    "convDa": (256, 128, 3, 3),
    "convDb": (256, 256, 1, 1),
}


@dataclass(frozen=True)
class Form:
    """One public form: its layers in the order they run, and each layer's prefix in the file."""

    name: str
    descriptor_sampling: str
    shapes: Mapping[str, tuple[int, ...]]
    conv: Mapping[str, str]
    batch_norm: Mapping[str, str] = field(default_factory=dict)
    eps: float = 0.0

    def specs(self) -> dict[str, TensorSpec]:
        """Every tensor that a checkpoint of this form holds, by its public name."""
        specs: dict[str, TensorSpec] = {}
        for layer, shape in self.shapes.items():
            specs[f"{self.conv[layer]}.weight"] = TensorSpec(shape)
            specs[f"{self.conv[layer]}.bias"] = TensorSpec(shape[:1])
            if layer in self.batch_norm:
                specs |= batch_norm.specs(self.batch_norm[layer], shape[0])
        return specs


def _same_names(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    return {layer: layer for layer in shapes}


def _magicleap() -> Form:
    shapes = ENCODER_SHAPES | DETECTOR_SHAPES | DESCRIPTOR_SHAPES
    return Form("magicleap", "magicleap", shapes, _same_names(shapes))


def _conv5a() -> Form:
    shapes = ENCODER_SHAPES | CONV5A_SHAPES | DETECTOR_SHAPES | DESCRIPTOR_SHAPES
    return Form("conv5a", "magicleap", shapes, _same_names(shapes))


def _open_v6() -> Form:
    # conv1a is backbone.0.0, conv1b backbone.0.1, conv2a backbone.1.0, ...
    blocks = {layer: f"backbone.{i // 2}.{i % 2}" for i, layer in enumerate(ENCODER_SHAPES)}
    blocks |= {"convPa": "detector.0", "convPb": "detector.1"}
    blocks |= {"convDa": "descriptor.0", "convDb": "descriptor.1"}
    return Form(
        "open-v6",
        "half-pixel",
        ENCODER_SHAPES | DETECTOR_SHAPES | DESCRIPTOR_SHAPES,
        conv={layer: f"{block}.conv" for layer, block in blocks.items()},
        batch_norm={layer: f"{block}.bn" for layer, block in blocks.items()},
        eps=1e-3,
    )


def _magicpoint() -> Form:
    # Each encoder block is a Sequential of convolution (0), ReLU (1) and batch norm (2).
    blocks = {
        layer: f"backbone.block{i // 2 + 1}_{i % 2 + 1}" for i, layer in enumerate(ENCODER_SHAPES)
    }
    conv = {layer: f"{block}.0" for layer, block in blocks.items()}
    batch_norm = {layer: f"{block}.2" for layer, block in blocks.items()}
    conv |= {"convPa": "detector_head.convPa", "convPb": "detector_head.convPb"}
    batch_norm |= {"convPa": "detector_head.bnPa", "convPb": "detector_head.bnPb"}
    return Form("magicpoint", "none", ENCODER_SHAPES | DETECTOR_SHAPES, conv, batch_norm, eps=1e-5)


FORMS: dict[str, Form] = {
    form.name: form for form in (_magicleap(), _open_v6(), _conv5a(), _magicpoint())
}


def recognise(source: str, tensors: Mapping[str, Tensor]) -> Form:
    """The form that the checkpoint comes closest to; Magic Leap's is a subset of conv5a."""
    specs = {name: form.specs() for name, form in FORMS.items()}
    return FORMS[closest_form(source, "SuperPoint", tensors, specs)]


def convert(checkpoint: Checkpoint) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The canonical tensors and the metadata of a checkpoint of any of the four forms."""
    form = recognise(checkpoint.source, checkpoint.tensors)
    check_tensors(checkpoint.source, form.name, checkpoint.tensors, form.specs())
    config = {"form": form.name, "descriptor_sampling": form.descriptor_sampling}
    return canonical_tensors(checkpoint, form), canonical_metadata("superpoint", config, checkpoint)


def canonical_tensors(checkpoint: Checkpoint, form: Form) -> dict[str, Tensor]:
    """Renames the checked tensors, and turns batch norm into scale and shift."""
    canonical: dict[str, Tensor] = {}
    for layer in form.shapes:
        for part in ("weight", "bias"):
            canonical[f"{layer}.{part}"] = checkpoint.tensors[f"{form.conv[layer]}.{part}"]
        if layer in form.batch_norm:
            scale, shift = batch_norm.scale_and_shift(checkpoint, form.batch_norm[layer], form.eps)
            canonical[f"{layer}.scale"] = scale
            canonical[f"{layer}.shift"] = shift
    return batch_norm.rounded(checkpoint.source, canonical)
