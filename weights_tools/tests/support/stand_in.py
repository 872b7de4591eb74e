"""What the stand-ins for hewn's commands share."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch


class StandIn(argparse.ArgumentParser):
    """A command with `--fault`: one of the ways to lie, separated by spaces, none or a crash."""

    def __init__(self, command: str, faults: str) -> None:
        super().__init__()
        self.add_argument("--fault", choices=["none", *faults.split(), "crash"], default="none")
        self.add_argument("command", choices=[command])
        self.add_argument("--threads", type=int)
        self.add_argument("--dump", type=Path, required=True)

    def start(self, argv: Sequence[str] | None = None) -> argparse.Namespace:
        """The arguments, unless the command is to crash."""
        arguments = self.parse_args(argv)
        if arguments.fault == "crash":
            raise SystemExit("hewn: out of luck")
        torch.set_num_threads(1)  # the pictures are small
        return arguments
