"""What RAFT in PyTorch computes on the way, under the names of hewn's trace."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from weights_tools.nets.raft import Padding, Raft
from weights_tools.nets.raft_encoder import Encoder
from weights_tools.nets.raft_update import MASK_SCALE

_ENCODERS = ("fnet", "cnet")
_STAGES = ("layer1", "layer2", "layer3")


def traced_run(
    network: Raft,
    pictures: Tensor,
    padding: Padding,
    iterations: int,
    initial_flow: Tensor | None = None,
) -> dict[str, Tensor]:
    """Runs the network on both padded pictures (2, 3, h, w) of values 0 to 1.

    Iterations count from 0; `i.flow` is cropped to the pictures as they were before the padding.
    """
    first, second = (2 * pictures - 1).split(1)
    with ExitStack() as hooks, torch.inference_mode():
        calls = _watch_network(network, hooks)
        output = network.estimate(first, second, iterations, initial_flow, all_iterations=True)
    calls["flow_low"] = output.flow_low
    calls["flow"] = [padding.crop(flow) for flow in output.flows]

    # The feature encoder runs once for each picture; hewn traces both as one batch.
    traced = {name: torch.cat(tensors) for name, tensors in calls.items() if _in_encoder(name)}
    for i in range(iterations):
        for name in ("correlation", "motion", "hidden", "flow_low", "mask", "flow"):
            if name in calls:  # the small network has no mask
                traced[f"{i}.{name}"] = calls[name][i]
    return traced


def _watch_network(network: Raft, hooks: ExitStack) -> dict[str, list[Tensor]]:
    """What will be seen at every call of a layer, by its name, until the stack is left."""
    calls: dict[str, list[Tensor]] = defaultdict(list)

    def watch(module: nn.Module, name: str, what: Callable[[Tensor], Tensor] = _itself) -> None:
        def hook(_: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            calls[name].append(what(output))

        hooks.callback(module.register_forward_hook(hook).remove)

    for prefix in _ENCODERS:
        encoder: Encoder = getattr(network, prefix)
        watch(encoder.norm1, f"{prefix}.conv1", F.relu)
        for stage in _STAGES:
            for index, block in enumerate(getattr(encoder, stage)):
                watch(block, f"{prefix}.{stage}.{index}")
        watch(encoder.conv2, f"{prefix}.conv2")

    update = network.update_block
    first_of_motion = update.encoder.convc1

    def see_correlation(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls["correlation"].append(inputs[0])

    hooks.callback(first_of_motion.register_forward_pre_hook(see_correlation).remove)
    watch(update.encoder, "motion")
    watch(update.gru, "hidden")
    if hasattr(update, "mask"):
        watch(update.mask, "mask", lambda logits: MASK_SCALE * logits)
    return calls


def _in_encoder(name: str) -> bool:
    return name.partition(".")[0] in _ENCODERS


def _itself(tensor: Tensor) -> Tensor:
    return tensor
