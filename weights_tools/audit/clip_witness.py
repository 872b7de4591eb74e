"""open_clip's own CLIP on the weights of a converted file: a witness for nets/clip.py."""

import importlib.util
from collections.abc import Mapping

import torch
from torch import Tensor

from weights_tools import torchvision_operators
from weights_tools.convert.clip import MERGES, read_sizes
from weights_tools.errors import ToolError
from weights_tools.nets.clip import QUICK_GELU, Settings


def is_installed() -> bool:
    return importlib.util.find_spec("open_clip") is not None


def features(
    weights: Mapping[str, Tensor], settings: Settings, inputs: Tensor, tokens: Tensor
) -> tuple[Tensor, Tensor]:
    """Of normalised pictures (n, 3, side, side) and texts (m, 77), in float64, of length 1."""
    model = open_clip_model(weights, settings)
    with torch.inference_mode():
        return (
            model.encode_image(inputs.double(), normalize=True),
            model.encode_text(tokens, normalize=True),
        )


def open_clip_model(weights: Mapping[str, Tensor], settings: Settings) -> torch.nn.Module:
    """In float64."""
    if not is_installed():
        raise ToolError("--witness: open_clip is not installed; pip install open_clip_torch")
    torchvision_operators.declare_missing()
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

    sizes = read_sizes("the witness", "clip", weights)
    image, text = sizes.image, sizes.text
    model = CLIP(
        sizes.embedding,
        CLIPVisionCfg(
            layers=image.blocks,
            width=image.width,
            head_width=image.width // settings.image_heads,
            mlp_ratio=image.hidden / image.width,
            patch_size=sizes.patch,
            image_size=sizes.side,
        ),
        CLIPTextCfg(
            context_length=sizes.context,
            vocab_size=sizes.vocabulary,
            width=text.width,
            heads=settings.text_heads,
            layers=text.blocks,
            mlp_ratio=text.hidden / text.width,
        ),
        quick_gelu=settings.activation == QUICK_GELU,
    )
    tensors = {name: tensor.double() for name, tensor in weights.items() if name != MERGES}
    model.load_state_dict(tensors, assign=True)
    return model.double().eval()
