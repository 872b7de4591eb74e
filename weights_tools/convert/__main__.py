"""`python -m weights_tools.convert`: one subcommand for each network."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType

from torch import Tensor

from weights_tools import safetensors_file
from weights_tools.checkpoints import Checkpoint, load_checkpoint
from weights_tools.convert import (
    completion,
    raft,
    random_completion,
    random_raft,
    random_superpoint,
    superpoint,
)
from weights_tools.errors import ToolError, report_errors

_Run = Callable[[argparse.Namespace], int]


def _convert(arguments: argparse.Namespace) -> int:
    checkpoint = _load(arguments.input, arguments.output)
    return _write(arguments.output, *arguments.network.convert(checkpoint))


def _convert_completion(arguments: argparse.Namespace) -> int:
    checkpoint = _load(arguments.input, arguments.output)
    discriminator = None
    if arguments.discriminator is not None:
        discriminator = _load(arguments.discriminator, arguments.output)
    options = completion.Options(arguments.order, arguments.form, arguments.mean)
    return _write(arguments.output, *completion.convert(checkpoint, options, discriminator))


def _random_superpoint(arguments: argparse.Namespace) -> int:
    checkpoint = random_superpoint.random_checkpoint(
        superpoint.FORMS[arguments.form], arguments.seed
    )
    return _write(arguments.output, *superpoint.convert(checkpoint))


def _random_raft(arguments: argparse.Namespace) -> int:
    checkpoint = random_raft.random_checkpoint(raft.VARIANTS[arguments.form], arguments.seed)
    return _write(arguments.output, *raft.convert(checkpoint))


def _random_completion(arguments: argparse.Namespace) -> int:
    order, seed = arguments.form, arguments.seed
    network = random_completion.random_checkpoint(order, seed)
    discriminators = random_completion.random_discriminators(order, seed)
    options = completion.Options(order)
    return _write(arguments.output, *completion.convert(network, options, discriminators))


def _load(path: Path, output: Path) -> Checkpoint:
    checkpoint = load_checkpoint(path)
    if output.exists() and output.samefile(path):
        raise ToolError(f"{output}: the output would replace the input")
    return checkpoint


def _write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> int:
    safetensors_file.write(path, tensors, metadata)
    print(f"{path}: {len(tensors)} tensors, {metadata['hewn.config']}")
    return 0


def _colour(text: str) -> tuple[float, ...]:
    try:
        values = tuple(map(float, text.split(",")))
    except ValueError:
        values = ()
    if len(values) != 3 or not all(0 <= value <= 1 for value in values):
        raise argparse.ArgumentTypeError(f"expected R,G,B, each from 0 to 1, but got {text!r}")
    return values


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="weights_tools.convert", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, network: ModuleType, what: str, run: _Run = _convert
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what)
        command.add_argument("input", type=Path, metavar="IN", help="a .pth or .safetensors file")
        command.add_argument("output", type=Path, metavar="OUT", help="the .safetensors to write")
        command.set_defaults(run=run, network=network)
        return command

    def add_random(name: str, forms: Iterable[str], run: _Run) -> None:
        command = commands.add_parser(f"random-{name}", help=f"{name} with random weights")
        command.add_argument("form", choices=forms, metavar="FORM", help="%(choices)s")
        command.add_argument("output", type=Path, metavar="OUT", help="the .safetensors to write")
        command.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
        command.set_defaults(run=run)

    add("superpoint", superpoint, "a SuperPoint or MagicPoint checkpoint")
    add("raft", raft, "a RAFT or RAFT-small checkpoint")
    _add_completion_options(
        add("completion", completion, "an image completion checkpoint", _convert_completion)
    )
    add_random("superpoint", superpoint.FORMS, _random_superpoint)
    add_random("raft", raft.VARIANTS, _random_raft)
    add_random("completion", completion.ORDERS, _random_completion)
    return parser


def _add_completion_options(command: argparse.ArgumentParser) -> None:
    defaults = completion.Options()
    command.add_argument(
        "--order",
        choices=completion.ORDERS,
        default=defaults.order,
        help="batch norm before or after ReLU, which the file does not tell; default %(default)s, "
        "as the common PyTorch port has it; the paper has the other",
    )
    command.add_argument(
        "--input",
        dest="form",
        choices=completion.INPUTS,
        default=defaults.input,
        help="the mean in the hole, or 0 there and the mean subtracted; default %(default)s",
    )
    command.add_argument(
        "--mean",
        type=_colour,
        default=defaults.mean,
        metavar="R,G,B",
        help="of the training pictures, from 0 to 1; default 0.5,0.5,0.5",
    )
    command.add_argument(
        "--discriminator", type=Path, metavar="D", help="a checkpoint of both discriminators"
    )


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return report_errors("convert", lambda: arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
