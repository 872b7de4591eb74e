"""A peer's own process: loads a model, runs it, and writes down how long that took."""

import argparse
import importlib
import importlib.metadata
import json
import sys
from pathlib import Path

import numpy as np

from bench.peers import files
from bench.peers.sessions.session import Session
from bench.peers.timing import brief_trial, seconds_of
from weights_tools.errors import report_errors


def _peak_resident_bytes() -> int:
    """Not getrusage(): its figure survives exec(), so it may be that of the parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status: expected a line VmHWM")


def _run(arguments: argparse.Namespace) -> int:
    module = importlib.import_module(f"bench.peers.sessions.{arguments.peer}")
    with np.load(arguments.folder / files.INPUTS) as inputs:
        session: Session = module.Session(arguments.folder, dict(inputs), arguments.threads)
    brief_trial(session.run)  # to warm up
    report = {
        "seconds": [seconds_of(session.run) for _ in range(arguments.repeat)],
        "peak_bytes": _peak_resident_bytes(),
        "version": importlib.metadata.version(arguments.peer),
        "note": session.note,
    }
    arguments.report.write_text(json.dumps(report))
    if arguments.outputs is not None:
        np.savez(arguments.outputs, *session.outputs())
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.peers.worker")
    parser.add_argument("peer")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--outputs", type=Path)
    arguments = parser.parse_args()
    return report_errors(arguments.peer, lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
