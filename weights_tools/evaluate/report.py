"""What all evaluations share: options, the program they run, and where their figures go."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from weights_tools.audit.program import find_program
from weights_tools.train import record

_HEWN = Path("build/release/hewn")


def options(
    network: str, description: str | None, weights: Path, seed: int
) -> argparse.ArgumentParser:
    """A parser with the options of every evaluation, and these defaults."""
    parser = argparse.ArgumentParser(
        prog=f"weights_tools.evaluate {network}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--hewn", type=Path, metavar="PATH", help=f"default $HEWN or {_HEWN}")
    parser.add_argument("--weights", type=Path, default=weights, metavar="F", help="%(default)s")
    parser.add_argument("--seed", type=int, default=seed, metavar="S")
    parser.add_argument("--threads", type=int, metavar="N", help="of hewn")
    parser.add_argument("--json", type=Path, metavar="F", help="write the figures here as well")
    parser.add_argument("--note", action="store_true", help="and into the weights' metadata")
    return parser


def program(arguments: argparse.Namespace) -> Path:
    return find_program(arguments.hewn, "HEWN", _HEWN)


def threads(arguments: argparse.Namespace) -> list[str]:
    """The option of `hewn`."""
    return [] if arguments.threads is None else ["--threads", str(arguments.threads)]


def deliver(arguments: argparse.Namespace, document: Mapping[str, Any], *weights: Path) -> None:
    """Writes the figures to where the options ask for them; into the metadata of `weights`."""
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")
    if arguments.note:
        for path in weights:
            record.note_evaluation(path, document)
