"""Image completion's public checkpoints, and how they become hewn's canonical tensors.

The paper has conv -> batch norm -> ReLU; the common PyTorch port, whose names these are, has
conv -> ReLU -> batch norm. The names are the same, so a file does not tell its order:

    bn-relu    batch norm is folded into the convolution before it, which is exact
    relu-bn    batch norm becomes a scale and a shift that are applied after the activation

The context discriminators, which only training needs, are a checkpoint of their own. The canonical
file may hold them beside the network; their fully connected layers become convolutions there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.checkpoints import (
    Checkpoint,
    TensorSpec,
    canonical_config,
    canonical_metadata,
    check_tensors,
    closest_form,
)
from weights_tools.convert import batch_norm
from weights_tools.errors import ToolError
from weights_tools.nets.completion import (
    LAST,
    LAYERS,
    MASKED_CHANNELS,
    MEAN_FILLED,
    MEAN_SUBTRACTED,
    Preparation,
)
from weights_tools.nets.completion_discriminator import GLOBAL_LAYERS, JOINT_LAYER, LOCAL_LAYERS
from weights_tools.nets.layers import Layer

BN_RELU, RELU_BN = "bn-relu", "relu-bn"
ORDERS = (BN_RELU, RELU_BN)
INPUTS = (MEAN_FILLED, MEAN_SUBTRACTED)
BATCH_NORM_EPS = 1e-5

_COLOURS = 3
_LOCAL, _GLOBAL, _JOINT = "model_ld", "model_gd", "linear1"


@dataclass(frozen=True)
class Options:
    """What a checkpoint does not tell of itself."""

    order: str = RELU_BN
    input: str = MEAN_FILLED
    mean: tuple[float, float, float] = Preparation.mean


@dataclass(frozen=True)
class PublicLayer:
    """A layer in a public checkpoint."""

    conv: str
    norm: str | None
    layer: Layer
    inputs: int
    linear: bool = False  # fully connected: its weight is a matrix there

    @property
    def canonical_shape(self) -> tuple[int, ...]:
        return self.layer.weight_shape(self.inputs)

    def specs(self) -> dict[str, TensorSpec]:
        outputs, *inputs = self.canonical_shape
        matrix = (outputs, inputs[0] * inputs[1] * inputs[2])
        weight = matrix if self.linear else self.canonical_shape
        specs = {
            f"{self.conv}.weight": TensorSpec(weight),
            f"{self.conv}.bias": TensorSpec((self.layer.outputs,)),
        }
        if self.norm is not None:
            specs |= batch_norm.specs(self.norm, self.layer.outputs)
        return specs

    def canonical(self, checkpoint: Checkpoint, order: str) -> dict[str, Tensor]:
        """The parts of the layer in float64."""
        weight, bias = (checkpoint.tensors[f"{self.conv}.{part}"] for part in ("weight", "bias"))
        parts = {"weight": weight.double().reshape(self.canonical_shape), "bias": bias.double()}
        if self.norm is None:
            return parts
        scale, shift = batch_norm.scale_and_shift(checkpoint, self.norm, BATCH_NORM_EPS)
        if order == RELU_BN:
            return parts | {"scale": scale, "shift": shift}
        outputs = 1 if self.layer.transposed else 0
        folded = batch_norm.folded(**parts, scale=scale, shift=shift, dim=outputs)
        return dict(zip(parts, folded, strict=True))


def network_layers(channels: int) -> dict[str, PublicLayer]:
    """The completion network's layers by their canonical names."""
    return _chain(LAYERS, channels)


def discriminator_layers() -> dict[str, PublicLayer]:
    """Those of both context discriminators and of what joins them, the local one first."""
    layers = _chain(LOCAL_LAYERS, _COLOURS, f"{_LOCAL}.", "local.")
    layers |= _chain(GLOBAL_LAYERS, _COLOURS, f"{_GLOBAL}.", "global.")
    both = LOCAL_LAYERS["linear6"].outputs + GLOBAL_LAYERS["linear7"].outputs
    layers["joint.linear"] = PublicLayer(_JOINT, None, JOINT_LAYER, both, linear=True)
    return layers


def _chain(
    layers: Mapping[str, Layer], inputs: int, public: str = "", canonical: str = ""
) -> dict[str, PublicLayer]:
    """Layers that each read what the one before them wrote; convN has its batch norm in bnN."""
    chain: dict[str, PublicLayer] = {}
    for name, layer in layers.items():
        linear = name.startswith("linear")
        norm = None if linear or name == LAST else re.sub("[a-z]+", f"{public}bn", name)
        chain[canonical + name] = PublicLayer(public + name, norm, layer, inputs, linear)
        inputs = layer.outputs
    return chain


def specs(layers: Mapping[str, PublicLayer]) -> dict[str, TensorSpec]:
    """Every tensor of the layers by its public name."""
    return {name: spec for layer in layers.values() for name, spec in layer.specs().items()}


def convert(
    checkpoint: Checkpoint, options: Options, discriminator: Checkpoint | None = None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The canonical tensors and the metadata of a network, and of its discriminators if given."""
    channels = _input_channels(checkpoint)
    tensors = _canonical_tensors(checkpoint, network_layers(channels), "completion", options)
    if discriminator is not None:
        _check_paper_form(discriminator)
        tensors |= _canonical_tensors(
            discriminator, discriminator_layers(), "discriminators", options
        )
    config = {
        "order": options.order,
        "input": options.input,
        "mean": options.mean,
        "channels": channels,
        "discriminators": discriminator is not None,
    }
    return tensors, canonical_metadata("completion", config, checkpoint)


def load_network(path: Path) -> tuple[dict[str, Tensor], Preparation]:
    """A converted file: its tensors, and how the network wants its input."""
    contents = safetensors_file.read(path)

    def config(name: str) -> object:
        return canonical_config(path, contents.metadata, "completion", name)

    preparation = Preparation(config("input"), tuple(config("mean")), config("channels"))
    return contents.tensors, preparation


def _canonical_tensors(
    checkpoint: Checkpoint, layers: Mapping[str, PublicLayer], form: str, options: Options
) -> dict[str, Tensor]:
    expected = specs(layers)
    closest_form(checkpoint.source, "GLCIC", checkpoint.tensors, {form: expected})
    check_tensors(checkpoint.source, form, checkpoint.tensors, expected)
    tensors = {
        f"{name}.{part}": tensor
        for name, layer in layers.items()
        for part, tensor in layer.canonical(checkpoint, options.order).items()
    }
    return batch_norm.rounded(checkpoint.source, tensors)


def _input_channels(checkpoint: Checkpoint) -> int:
    """3 or 4, as the first layer has it; what has neither is checked as if it should have 4."""
    first = checkpoint.tensors.get("conv1.weight")
    colour_alone = first is not None and first.dim() == 4 and first.shape[1] == _COLOURS
    return _COLOURS if colour_alone else MASKED_CHANNELS


def _check_paper_form(discriminator: Checkpoint) -> None:
    if f"{_GLOBAL}.linear6.weight" in discriminator.tensors:
        raise ToolError(
            f"{discriminator.source}: {_GLOBAL} is of the port's form for small pictures, which "
            f"ends with linear6; expected the paper's for 256 x 256, with conv6 and linear7"
        )
