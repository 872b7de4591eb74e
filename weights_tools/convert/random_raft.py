"""RAFT checkpoints with random weights, for tests: no trained weights are needed to compare runs.

The flow stays bounded over many iterations. A gated recurrent unit keeps its state within -1 to 1
whatever its weights, so the flow head alone limits the step of one iteration, and its last layer
is scaled for steps of 0.1 to 0.2 pixels of the feature map: after 20 iterations the flow reaches
some 5 of them, 40 pixels of the picture. Larger steps would change what the lookup sees so much
from one iteration to the next that rounding errors grow.
"""

import torch
from torch import Tensor

from weights_tools.checkpoints import Checkpoint
from weights_tools.convert.raft import specs
from weights_tools.convert.random_tensors import uniform
from weights_tools.nets.raft import Variant

# Layers without ReLU behind them, and how many times 1 / sqrt(fan-in) their weights deviate.
_LINEAR_GAINS = {
    "net.conv2.": 0.5,  # features and context: correlations of a few units, states not saturated
    ".gru.": 1.0,
    ".flow_head.conv2.": 0.2,
    ".mask.2.": 4.0,  # scaled by a quarter: logits of order one, weights far from equal
}
_RELU_GAIN = 2**0.5  # He et al. 2015

# Far enough from 0 and 1 that leaving one out, or swapping two, shows.
_NORM_RANGES = {
    "weight": (0.5, 1.0),
    "bias": (-0.3, 0.3),
    "running_mean": (-0.3, 0.3),
    "running_var": (0.5, 1.5),
}


def random_checkpoint(variant: Variant, seed: int) -> Checkpoint:
    """A checkpoint under the variant's public names; the same seed gives the same tensors."""
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for name, spec in specs(variant).items():
        layer, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            tensors[name] = torch.tensor(seed)
        elif layer.endswith(".downsample.1"):  # another name of norm3, which comes before it
            tensors[name] = tensors[name.replace("downsample.1", "norm3")]
        elif ".norm" in name:
            tensors[name] = uniform(spec.shape, *_NORM_RANGES[part], generator)
        elif part == "bias":
            tensors[name] = uniform(spec.shape, -0.1, 0.1, generator)
        else:
            fan_in = spec.shape[1] * spec.shape[2] * spec.shape[3]
            deviation = _gain(name) / fan_in**0.5
            tensors[name] = deviation * torch.randn(spec.shape, generator=generator)
    return Checkpoint(f"random {variant.name}, seed {seed}", "", tensors)


def _gain(name: str) -> float:
    return next((gain for part, gain in _LINEAR_GAINS.items() if part in name), _RELU_GAIN)
