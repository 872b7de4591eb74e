"""Stands in for the program hewn, by PyTorch and made-up times; `--fault` makes it lie.

PyTorch is imported only for what needs it: a race asks for times far more often.
"""

import argparse
import json
from pathlib import Path

FAULTS = ("none", "wrong", "missing", "shape", "crash", "report")
MEDIAN_SECONDS = 0.25
PEAK_BYTES = 42_000_000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=FAULTS, required=True)
    parser.add_argument("--version", action="version", version="hewn 9.8.7")
    commands = parser.add_subparsers(dest="command", required=True)
    keypoints = commands.add_parser("keypoints")
    keypoints.add_argument("image", type=Path)
    flow = commands.add_parser("flow")
    flow.add_argument("images", type=Path, nargs=2)
    complete = commands.add_parser("complete")
    complete.add_argument("image", type=Path)
    complete.add_argument("--mask", type=Path, required=True)
    complete.add_argument("--postprocess", choices=["none"], required=True)
    classify = commands.add_parser("classify")
    classify.add_argument("images", type=Path, nargs="+")
    classify.add_argument("--labels-file", type=Path, required=True)
    classify.add_argument("--template", required=True)
    for command in (keypoints, flow, complete, classify):
        command.add_argument("--dump", type=Path, required=True)
    bench = commands.add_parser("bench")
    bench.add_argument("network", choices=["keypoints", "flow", "complete", "classify"])
    bench.add_argument("--size")
    bench.add_argument("--batch", type=int)
    bench.add_argument("--labels", type=int)
    bench.add_argument("--repeat", type=int, required=True)
    bench.add_argument("--json", type=Path, required=True)
    for command in (flow, bench):
        command.add_argument("--iters", type=int)
    for command in (keypoints, flow, complete, classify, bench):
        command.add_argument("--weights", type=Path, required=True)
        command.add_argument("--threads", type=int, required=True)
        command.add_argument("--quiet", action="store_true")
    return parser.parse_args()


def _stages(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    if arguments.network != "classify":
        return {"network": {"median_seconds": MEDIAN_SECONDS}}
    return {
        "image": {"median_seconds": MEDIAN_SECONDS * arguments.batch},
        "text": {"median_seconds": MEDIAN_SECONDS * arguments.labels},
    }


def main() -> None:
    arguments = _arguments()
    if arguments.fault == "crash":
        raise SystemExit("hewn: out of luck")
    if arguments.command != "bench":
        from bench.peers.tests.stand_in_dumps import DUMPS

        DUMPS[arguments.command](arguments)
        return
    report = {**_stages(arguments), "peak_resident_bytes": PEAK_BYTES, "isa": "scalar"}
    if arguments.fault == "report":
        del report["isa"]
    arguments.json.write_text(json.dumps(report))


if __name__ == "__main__":
    main()
