"""`python -m weights_tools.audit`: compares hewn with PyTorch."""

import argparse
import sys
from pathlib import Path

import torch

from weights_tools.audit import (
    clip,
    completion,
    inpainting,
    layers,
    raft,
    superpoint,
    tokenizer,
)
from weights_tools.audit.ops import audit_operators, operators
from weights_tools.audit.program import find_program
from weights_tools.errors import ToolError, report_errors

_HEWN = Path("build/release/hewn")
_OP_RUNNER = Path("build/release/tests/hewn_op_runner")
_SHAPES = Path("bench/shapes")


def _run_superpoint(arguments: argparse.Namespace) -> int:
    hewn = find_program(arguments.hewn, "HEWN", _HEWN)
    options = _precision_options(arguments) + _thread_options(arguments.threads)
    audit = superpoint.audit_superpoint(hewn, arguments.weights, arguments.image, options)
    _write_report(arguments.json, superpoint.as_json(audit))
    print(superpoint.as_table(audit))
    return _verdict(audit.disagreements)


def _run_raft(arguments: argparse.Namespace) -> int:
    hewn = find_program(arguments.hewn, "HEWN", _HEWN)
    options = raft.FlowOptions(arguments.iters, arguments.init, arguments.pad)
    extra_options = _precision_options(arguments) + _thread_options(arguments.threads)
    if arguments.corr is not None:
        extra_options += ["--corr", arguments.corr]
    audit = raft.audit_raft(
        hewn, arguments.weights, tuple(arguments.images), options, extra_options
    )
    _write_report(arguments.json, raft.as_json(audit))
    print(raft.as_table(audit))
    return _verdict(audit.disagreements)


def _run_completion(arguments: argparse.Namespace) -> int:
    hewn = find_program(arguments.hewn, "HEWN", _HEWN)
    options = _precision_options(arguments) + _thread_options(arguments.threads)
    audit = completion.audit_completion(
        hewn, arguments.weights, arguments.image, arguments.mask, options
    )
    _write_report(arguments.json, completion.as_json(audit))
    print(completion.as_table(audit))
    return _verdict(audit.disagreements)


def _run_clip(arguments: argparse.Namespace) -> int:
    hewn = find_program(arguments.hewn, "HEWN", _HEWN)
    if arguments.labels_file is None:
        labels = [label.strip() for label in arguments.labels.split(",")]
    else:
        labels = _lines(arguments.labels_file)
    question = clip.Question(labels, arguments.template or (), arguments.prompts)
    options = _thread_options(arguments.threads)
    audit = clip.audit_clip(
        hewn, arguments.weights, arguments.images, question, arguments.witness, options
    )
    _write_report(arguments.json, clip.as_json(audit))
    print(clip.as_table(audit))
    return _verdict(audit.disagreements)


def _run_inpainting(arguments: argparse.Namespace) -> int:
    hewn = find_program(arguments.hewn, "HEWN", _HEWN)
    options = _thread_options(arguments.threads)
    audit = inpainting.audit_inpainting(hewn, arguments.image, arguments.mask, options)
    _write_report(arguments.json, inpainting.as_json(audit))
    print(inpainting.as_table(audit))
    return _verdict(audit.disagreements)


def _run_tokenizer(arguments: argparse.Namespace) -> int:
    hewn = find_program(arguments.hewn, "HEWN", _HEWN)
    open_clip = tokenizer.load_open_clip()
    if open_clip is None:
        print("audit: SKIP tokenizer: open_clip is not installed; pip install open_clip_torch")
        return 0
    audit = tokenizer.audit_tokenizer(
        hewn, arguments.weights, open_clip, arguments.count, arguments.seed
    )
    _write_report(arguments.json, tokenizer.as_json(audit))
    print(tokenizer.as_table(audit))
    return _verdict(tokenizer.shown(audit.disagreements), "open_clip")


def _run_operators(arguments: argparse.Namespace) -> int:
    runner = find_program(arguments.runner, "HEWN_OP_RUNNER", _OP_RUNNER)
    audit = audit_operators.audit_operators(
        runner,
        arguments.op or list(operators.OPERATORS),
        arguments.cases,
        arguments.seed,
        arguments.isa.split(",") if arguments.isa else [None],
        _thread_options(arguments.threads),
    )
    _write_report(arguments.json, audit_operators.as_json(audit))
    print(audit_operators.as_table(audit))
    return _verdict(audit_operators.disagreements(audit))


def _run_layers(arguments: argparse.Namespace) -> int:
    runner = find_program(arguments.runner, "HEWN_OP_RUNNER", _OP_RUNNER)
    audit = layers.audit_layers(
        runner,
        layers.read_layers(arguments.shapes),
        arguments.seed,
        arguments.isa,
        _thread_options(arguments.threads),
    )
    _write_report(arguments.json, layers.as_json(audit))
    print(layers.as_table(audit))
    return _verdict(layers.disagreements(audit))


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: cannot be read as lines of text: {error}") from error


def _precision_options(arguments: argparse.Namespace) -> list[str]:
    return ["--precise"] if arguments.precise else []


def _thread_options(threads: int | None) -> list[str]:
    if threads is None:
        return []
    torch.set_num_threads(threads)
    return ["--threads", str(threads)]


def _write_report(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        path.write_text(text + "\n")
    except OSError as error:
        raise ToolError(f"{path}: cannot be written: {error.strerror}") from error


def _verdict(disagreements: list[str], other: str = "PyTorch") -> int:
    for disagreement in disagreements:
        print(f"audit: disagreement: {disagreement}", file=sys.stderr)
    print(f"hewn and {other} {'disagree' if disagreements else 'agree'}")
    return 1 if disagreements else 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, but got {value}")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="weights_tools.audit", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--threads", type=_positive, metavar="N", help="for hewn and PyTorch alike")
    common.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as well")

    by_runner = argparse.ArgumentParser(add_help=False, parents=[common])
    by_runner.add_argument("--seed", type=int, default=0, metavar="S")
    by_runner.add_argument(
        "--runner", type=Path, metavar="PATH", help=f"default $HEWN_OP_RUNNER or {_OP_RUNNER}"
    )

    by_hewn = argparse.ArgumentParser(add_help=False, parents=[common])
    by_hewn.add_argument("--hewn", type=Path, metavar="PATH", help=f"default $HEWN or {_HEWN}")

    with_weights = argparse.ArgumentParser(add_help=False, parents=[by_hewn])
    with_weights.add_argument(
        "--weights", type=Path, required=True, metavar="F", help="converted file"
    )

    of_network = argparse.ArgumentParser(add_help=False, parents=[with_weights])
    of_network.add_argument("--precise", action="store_true", help="pin hewn's direct convolution")

    with_hole = argparse.ArgumentParser(add_help=False)
    with_hole.add_argument("--image", type=Path, required=True, metavar="I")
    with_hole.add_argument("--mask", type=Path, required=True, metavar="M", help="white: the hole")

    network = commands.add_parser(
        "superpoint", parents=[of_network], help="SuperPoint, layer by layer"
    )
    network.add_argument("--image", type=Path, required=True, metavar="I")
    network.set_defaults(run=_run_superpoint)

    flow = commands.add_parser("raft", parents=[of_network], help="RAFT, layer by layer")
    flow.add_argument("--images", type=Path, nargs=2, required=True, metavar=("A", "B"))
    flow.add_argument("--iters", type=_positive, default=20, metavar="N", help="default 20")
    flow.add_argument("--init", type=Path, metavar="LOW.flo", help="a flow to start from")
    flow.add_argument("--pad", choices=["sintel", "kitti"], default="sintel", help="%(choices)s")
    flow.add_argument("--corr", choices=["all-pairs", "on-demand", "auto"], help="%(choices)s")
    flow.set_defaults(run=_run_raft)

    complete = commands.add_parser(
        "completion", parents=[of_network, with_hole], help="image completion, layer by layer"
    )
    complete.set_defaults(run=_run_completion)

    texts = commands.add_parser(
        "clip", parents=[with_weights], help="CLIP: inputs, the image tower's layers, features"
    )
    _add_clip_options(texts)
    texts.set_defaults(run=_run_clip)

    inpaint = commands.add_parser(
        "inpainting",
        parents=[by_hewn, with_hole],
        help="fast marching against OpenCV, Poisson blending against another solver",
    )
    inpaint.set_defaults(run=_run_inpainting)

    texts = commands.add_parser(
        "tokenizer", parents=[by_hewn], help="CLIP's tokenizer against open_clip's, by random texts"
    )
    texts.add_argument("--weights", type=Path, required=True, metavar="F", help="converted file")
    texts.add_argument("--count", type=_positive, default=12_000, metavar="N", help="%(default)s")
    texts.add_argument("--seed", type=int, default=0, metavar="S")
    texts.set_defaults(run=_run_tokenizer)

    ops = commands.add_parser("ops", parents=[by_runner], help="every operator, by random cases")
    names = operators.OPERATORS
    ops.add_argument("--op", action="append", choices=names, metavar="NAME", help="%(choices)s")
    ops.add_argument("--cases", type=_positive, default=200, metavar="N", help="an operator")
    ops.add_argument("--isa", metavar="LIST", help="instruction sets, with commas: avx512,avx2")
    ops.set_defaults(run=_run_operators)

    convs = commands.add_parser(
        "layers", parents=[by_runner], help="conv2d's algorithms on the networks' layers"
    )
    convs.add_argument("--shapes", type=Path, default=_SHAPES, metavar="DIR", help="%(default)s")
    convs.add_argument("--isa", metavar="NAME", help="an instruction set; default the best")
    convs.set_defaults(run=_run_layers)
    return parser


def _add_clip_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--images", type=Path, nargs="+", required=True, metavar="I")
    labels = command.add_mutually_exclusive_group(required=True)
    labels.add_argument("--labels", metavar="L", help="with commas between them")
    labels.add_argument("--labels-file", type=Path, metavar="F", help="one a line")
    command.add_argument("--template", action="append", metavar="T", help="may be repeated")
    command.add_argument("--prompts", type=Path, metavar="P", help="converted file")
    command.add_argument(
        "--witness",
        action="store_true",
        help="compare our definition and our tokenizer with open_clip's as well",
    )


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return report_errors("audit", lambda: arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
