"""`python -m weights_tools.convert`: one subcommand for each network."""

import argparse
import sys
from pathlib import Path

from weights_tools import safetensors_file
from weights_tools.checkpoints import Checkpoint, load_checkpoint
from weights_tools.convert import superpoint
from weights_tools.convert.random_superpoint import random_checkpoint
from weights_tools.errors import ToolError, report_errors


def _convert_superpoint(arguments: argparse.Namespace) -> int:
    checkpoint = load_checkpoint(arguments.input)
    if arguments.output.exists() and arguments.output.samefile(arguments.input):
        raise ToolError(f"{arguments.output}: the output would replace the input")
    _write_superpoint(checkpoint, arguments.output)
    return 0


def _random_superpoint(arguments: argparse.Namespace) -> int:
    form = superpoint.FORMS[arguments.form]
    _write_superpoint(random_checkpoint(form, arguments.seed), arguments.output)
    return 0


def _write_superpoint(checkpoint: Checkpoint, output: Path) -> None:
    tensors, metadata = superpoint.convert(checkpoint)
    safetensors_file.write(output, tensors, metadata)
    print(f"{output}: {len(tensors)} tensors, {metadata['hewn.config']}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="weights_tools.convert", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    convert = commands.add_parser("superpoint", help="a SuperPoint or MagicPoint checkpoint")
    convert.add_argument("input", type=Path, metavar="IN", help="a .pth or .safetensors checkpoint")
    convert.add_argument("output", type=Path, metavar="OUT", help="the .safetensors file to write")
    convert.set_defaults(run=_convert_superpoint)

    random = commands.add_parser("random-superpoint", help="SuperPoint with random weights")
    random.add_argument("form", choices=superpoint.FORMS, metavar="FORM", help="%(choices)s")
    random.add_argument("output", type=Path, metavar="OUT", help="the .safetensors file to write")
    random.add_argument("--seed", type=int, default=0, metavar="N", help="default %(default)s")
    random.set_defaults(run=_random_superpoint)
    return parser


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return report_errors("convert", lambda: arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
