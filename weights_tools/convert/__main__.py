"""`python -m weights_tools.convert`: one subcommand for each network."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

from weights_tools import safetensors_file
from weights_tools.checkpoints import Checkpoint, load_checkpoint
from weights_tools.convert import raft, random_raft, random_superpoint, superpoint
from weights_tools.errors import ToolError, report_errors

_Run = Callable[[argparse.Namespace], int]


def _convert(arguments: argparse.Namespace) -> int:
    checkpoint = load_checkpoint(arguments.input)
    if arguments.output.exists() and arguments.output.samefile(arguments.input):
        raise ToolError(f"{arguments.output}: the output would replace the input")
    return _write(arguments, checkpoint)


def _random_superpoint(arguments: argparse.Namespace) -> int:
    form = superpoint.FORMS[arguments.form]
    return _write(arguments, random_superpoint.random_checkpoint(form, arguments.seed))


def _random_raft(arguments: argparse.Namespace) -> int:
    variant = raft.VARIANTS[arguments.form]
    return _write(arguments, random_raft.random_checkpoint(variant, arguments.seed))


def _write(arguments: argparse.Namespace, checkpoint: Checkpoint) -> int:
    tensors, metadata = arguments.network.convert(checkpoint)
    safetensors_file.write(arguments.output, tensors, metadata)
    print(f"{arguments.output}: {len(tensors)} tensors, {metadata['hewn.config']}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="weights_tools.convert", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, network: ModuleType, what: str) -> None:
        command = commands.add_parser(name, help=what)
        command.add_argument("input", type=Path, metavar="IN", help="a .pth or .safetensors file")
        command.add_argument("output", type=Path, metavar="OUT", help="the .safetensors to write")
        command.set_defaults(run=_convert, network=network)

    def add_random(name: str, network: ModuleType, forms: Iterable[str], run: _Run) -> None:
        command = commands.add_parser(f"random-{name}", help=f"{name} with random weights")
        command.add_argument("form", choices=forms, metavar="FORM", help="%(choices)s")
        command.add_argument("output", type=Path, metavar="OUT", help="the .safetensors to write")
        command.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
        command.set_defaults(run=run, network=network)

    add("superpoint", superpoint, "a SuperPoint or MagicPoint checkpoint")
    add("raft", raft, "a RAFT or RAFT-small checkpoint")
    add_random("superpoint", superpoint, superpoint.FORMS, _random_superpoint)
    add_random("raft", raft, raft.VARIANTS, _random_raft)
    return parser


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return report_errors("convert", lambda: arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
