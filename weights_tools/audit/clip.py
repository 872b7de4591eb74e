"""Audits CLIP: `hewn classify` against PyTorch on the same weights, pictures and tokens."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.audit import clip_input, clip_witness, layer_rows, pictures
from weights_tools.audit.clip_input import Comparison, ReferenceTokens
from weights_tools.audit.distance import distance
from weights_tools.audit.layer_rows import LayerRow, check_shape
from weights_tools.audit.program import run_program
from weights_tools.convert.clip import MERGES, load_network, read_sizes
from weights_tools.convert.prompts import load_prompts
from weights_tools.errors import ToolError
from weights_tools.nets import clip as nets
from weights_tools.nets.clip import CONTEXT_LENGTH, Settings, unit_length
from weights_tools.nets.clip_prompts import END, LearnedPrompts, Texts, classify

# The project's promise for every dense output, at any of the sizes it is tested at.
RELATIVE_L2_LIMIT = 2e-5

# Two definitions of one network, both in float64: hundreds of sums of some thousand numbers.
WITNESS_LIMIT = 1e-12
_WITNESSED = 8  # pictures, and texts, which the witness computes with all their padding

DEFAULT_TEMPLATE = "a photo of a {}."


@dataclass(frozen=True)
class Question:
    """What the pictures are asked."""

    labels: Sequence[str]
    templates: Sequence[str] = ()  # none for the prompts' own, or the default one
    prompts: Path | None = None


@dataclass(frozen=True)
class ClipAudit:
    """The whole comparison; `disagreements` is empty when hewn passes."""

    layers: list[LayerRow]
    pictures: Comparison
    texts: Comparison
    witness: dict[str, float]  # relative L2 distances of our features to open_clip's
    disagreements: list[str]


@dataclass(frozen=True)
class _HewnRun:
    dump: dict[str, Tensor]
    trace: dict[str, Tensor]


def audit_clip(
    hewn: Path,
    weights: Path,
    images: Sequence[Path],
    question: Question,
    witness: bool,
    extra_options: list[str],
) -> ClipAudit:
    """Runs hewn and PyTorch and compares their inputs, every layer, features and logits."""
    tensors, settings = load_network(weights)
    prompts = LearnedPrompts({})
    if question.prompts is not None:
        prompts = load_prompts(question.prompts)
    templates = _templates(question, prompts)
    texts = [template.replace("{}", label) for label in question.labels for template in templates]
    opened = [pictures.open_picture(image, minimum=1) for image in images]
    run = _run_hewn(hewn, weights, images, question, extra_options)

    side = read_sizes(str(weights), "clip", tensors).side
    check_shape(run.trace, "input", (len(images), 3, side, side))
    check_shape(run.dump, "tokens", (len(texts), CONTEXT_LENGTH))
    inputs, tokens = run.trace["input"], run.dump["tokens"].long()
    reference = ReferenceTokens(tensors[MERGES], witness)
    compared_pictures = clip_input.compare_pictures(inputs, opened, settings)
    compared_texts = reference.compare(tokens, texts)

    moved = prompts.class_position != END
    asked = Texts(
        # Nothing depends on what is behind the last end of text.
        tokens[:, : 1 + nets.text_ends(tokens).max()].unflatten(0, (-1, len(templates))),
        [reference.count(label) if moved else 0 for label in question.labels],
    )
    layers = _compare_layers(run, tensors, settings, prompts, asked)
    distances = _witness(tensors, settings, inputs, tokens) if witness else {}
    disagreements = [
        *compared_pictures.disagreements,
        *compared_texts.disagreements,
        *layer_rows.beyond_limits(layers),
        *_beyond_witness(distances),
    ]
    return ClipAudit(layers, compared_pictures, compared_texts, distances, disagreements)


def as_json(audit: ClipAudit) -> str:
    """The comparison as a JSON document; an infinite ratio becomes null."""
    document = {
        "layers": layer_rows.as_documents(audit.layers),
        "pictures": asdict(audit.pictures),
        "texts": asdict(audit.texts),
        "witness": audit.witness,
        "disagreements": audit.disagreements,
    }
    return json.dumps(document, indent=2)


def as_table(audit: ClipAudit) -> str:
    """The comparison as text, one line a layer."""
    lines = [layer_rows.as_table(audit.layers)]
    for what, compared in (("values of the input", audit.pictures), ("texts", audit.texts)):
        lines.append(f"{what}: {compared.unequal} of {compared.compared} differ")
    for name, relative_l2 in audit.witness.items():
        lines.append(f"{name}: ours are {relative_l2:.1e} (relative L2) from open_clip's")
    return "\n".join(lines)


def _templates(question: Question, prompts: LearnedPrompts) -> Sequence[str]:
    """Learned tokens of the text belong into the template that they were learned in."""
    if prompts.template is None:
        return question.templates or [DEFAULT_TEMPLATE]
    if question.templates:
        raise ToolError(f"--template: {question.prompts} has its own, {prompts.template!r}")
    classes = len(prompts.text()[0]) if prompts.text()[0].dim() == 3 else None
    if classes not in (None, len(question.labels)):
        raise ToolError(
            f"{question.prompts}: has contexts of {classes} classes, "
            f"but there are {len(question.labels)} labels"
        )
    return [prompts.template]


def _run_hewn(
    hewn: Path,
    weights: Path,
    images: Sequence[Path],
    question: Question,
    extra_options: list[str],
) -> _HewnRun:
    with tempfile.TemporaryDirectory(prefix="hewn-audit-") as folder:
        dump, trace = Path(folder, "dump.safetensors"), Path(folder, "trace.safetensors")
        labels = Path(folder, "labels.txt")
        labels.write_text("".join(f"{label}\n" for label in question.labels), encoding="utf-8")
        command = [hewn, "classify", *images, "--weights", weights, "--labels-file", labels]
        for template in question.templates:
            command += ["--template", template]
        if question.prompts is not None:
            command += ["--prompts", question.prompts]
        run_program([*command, "--dump", dump, "--trace", trace, *extra_options])
        return _HewnRun(safetensors_file.read(dump).tensors, safetensors_file.read(trace).tensors)


def _compare_layers(
    run: _HewnRun,
    tensors: Mapping[str, Tensor],
    settings: Settings,
    prompts: LearnedPrompts,
    asked: Texts,
) -> list[LayerRow]:
    def pytorch(dtype: torch.dtype) -> dict[str, Tensor]:
        weights, learned = _cast(tensors, dtype), _cast(prompts.tensors, dtype)
        inputs = run.trace["input"].to(dtype)
        trace: dict[str, Tensor] = {}
        with torch.inference_mode():
            answer = classify(
                weights, settings, replace(prompts, tensors=learned), inputs, asked, trace
            )
            # Of hewn's own features, so that an error of theirs does not count twice.
            features = (
                _feature(run.dump, name, getattr(answer, name))
                for name in ("image_features", "text_features")
            )
            logits = nets.logits(weights, *features)
        layers = {name: tokens[:, None] for name, tokens in trace.items()}
        last = next(reversed(layers))
        layers[last] = layers[last][..., :1, :]  # nothing reads the others, hewn leaves them out
        return {
            **layers,
            "image_features": answer.image_features,
            "text_features": answer.text_features,
            "logits": logits,
        }

    return layer_rows.compare_layers(
        run.trace | run.dump,
        pytorch(torch.float32),
        pytorch(torch.float64),
        limit=lambda _: RELATIVE_L2_LIMIT,
    )


def _feature(dump: Mapping[str, Tensor], name: str, ours: Tensor) -> Tensor:
    check_shape(dump, name, tuple(ours.shape))
    return dump[name].to(ours.dtype)


def _witness(
    tensors: Mapping[str, Tensor], settings: Settings, inputs: Tensor, tokens: Tensor
) -> dict[str, float]:
    """Both towers without prompts, in float64, against open_clip's."""
    inputs, tokens = inputs[:_WITNESSED].double(), tokens[:_WITNESSED]
    weights = _cast(tensors, torch.float64)
    with torch.inference_mode():
        ours = (
            unit_length(nets.image_tower(weights, settings, inputs)),
            unit_length(nets.encoded_texts(weights, settings, tokens)),
        )
    theirs = clip_witness.features(tensors, settings, inputs, tokens)
    names = ("image features", "text features")
    return {
        name: distance(our, their).relative_l2
        for name, our, their in zip(names, ours, theirs, strict=True)
    }


def _beyond_witness(distances: Mapping[str, float]) -> list[str]:
    return [
        f"{name}: ours have a relative L2 distance of {relative_l2:.2e} to open_clip's, "
        f"expected at most {WITNESS_LIMIT:.0e}"
        for name, relative_l2 in distances.items()
        if not relative_l2 <= WITNESS_LIMIT
    ]


def _cast(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    return {n: t.to(dtype) if t.is_floating_point() else t for n, t in tensors.items()}
