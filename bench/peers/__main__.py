"""`python -m bench.peers`: hewn against other runtimes, on the same network and input."""

import argparse
import importlib.util
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.peers import export, report
from bench.peers.networks import NETWORKS
from bench.peers.networks.network import Entrant, Network, Setup, Size
from bench.peers.programs import PEERS, Hewn, Peer, Program
from bench.peers.race import disagreements, measure_errors, run_race
from weights_tools.audit.program import find_program
from weights_tools.errors import ToolError, report_errors

_HEWN = Path("build/release/hewn")
_OUT = Path("out/peers")
_MAX_SIDE = 4096

# What a network may have besides its size, and the option for it.
_AMOUNTS = {"iterations": "--iters", "batch": "--batch", "labels": "--labels"}


def _run(arguments: argparse.Namespace) -> int:
    hewn = Hewn(find_program(arguments.hewn, "HEWN", _HEWN))
    folder = _make_folder(arguments.out / arguments.network)
    entrant = NETWORKS[arguments.network]
    amounts = {name: getattr(arguments, name, None) for name in _AMOUNTS}
    size = getattr(arguments, "size", None)
    network = entrant.prepare(Setup(arguments.weights, size, folder, **amounts))
    peers = _peers(entrant, amounts["batch"], arguments.peer or [peer.package for peer in PEERS])
    _export(network, peers, folder)
    programs: list[Program] = [hewn, *peers]

    errors = measure_errors(programs, network, folder, arguments.threads[0])
    print(report.errors_table(errors), flush=True)
    wrong = disagreements(errors)
    if wrong:
        raise ToolError("no race: " + "; ".join(wrong))

    entries = run_race(
        programs, network, folder, arguments.threads, arguments.rounds, arguments.repeat
    )
    title = ", ".join([network.name, *_described(size, amounts), "float32"])
    print(f"\n{title}, {report.machine()}\n\n{report.times_table(entries)}\n")
    settings = {
        "network": network.name,
        "size": None if size is None else str(size),
        **amounts,
        "rounds": arguments.rounds,
        "repeat": arguments.repeat,
    }
    written = [arguments.out / f"{network.name}.json"]
    written[0].write_text(report.as_json(settings, errors, entries))
    if importlib.util.find_spec("matplotlib") is None:
        print("no plot: matplotlib is not installed")
    else:
        written.append(written[0].with_suffix(".png"))
        report.plot(title, entries, written[1])
    print("written:", ", ".join(map(str, written)))
    return 0


def _described(size: Size | None, amounts: Mapping[str, int | None]) -> list[str]:
    """As in "440x1024, 20 iterations"."""
    said = [] if size is None else [str(size)]
    for name, amount in amounts.items():
        if amount is not None:
            said.append(f"batch {amount}" if name == "batch" else f"{amount} {name}")
    return said


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(f"{folder}: cannot be made: {error.strerror}") from error
    return folder


def _peers(entrant: Entrant, batch: int | None, names: list[str]) -> list[Peer]:
    """Those of the named that can run the network and are installed."""
    peers = []
    for peer in PEERS:
        if peer.package not in names:
            continue
        missing = peer.missing_packages()
        if peer.package in entrant.left_out:
            print(f"{peer.title}: left out: {entrant.left_out[peer.package]}")
        elif batch not in (None, 1) and not peer.batches:
            print(f"{peer.title}: left out: it takes one picture at a time")
        elif missing:
            print(f"{peer.title}: left out, not installed: {', '.join(missing)}")
        else:
            peers.append(peer)
    return peers


def _export(network: Network, peers: list[Peer], folder: Path) -> None:
    export.write_inputs(network, folder)
    for export_once in dict.fromkeys(peer.export for peer in peers):
        export_once(network, folder)


def _size(text: str) -> Size:
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text)
    size = Size(*map(int, match.groups())) if match else Size(0, 0)
    if not all(0 < side <= _MAX_SIDE for side in (size.height, size.width)):
        raise argparse.ArgumentTypeError(
            f"expected HEIGHTxWIDTH, each at most {_MAX_SIDE}, as in 480x640, but got {text!r}"
        )
    return size


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, but got {value}")
    return value


def _thread_counts(text: str) -> list[int]:
    return [_positive(count) for count in text.split(",")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.peers", description=__doc__)
    networks = parser.add_subparsers(required=True, dest="network", metavar="NETWORK")
    for name, entrant in NETWORKS.items():
        _add_options(networks.add_parser(name, help=f"default: {_defaults(entrant)}"), entrant)
    return parser


def _defaults(entrant: Entrant) -> str:
    return ", ".join(_described(entrant.size, {name: getattr(entrant, name) for name in _AMOUNTS}))


def _add_options(parser: argparse.ArgumentParser, entrant: Entrant) -> None:
    parser.add_argument(
        "--weights", type=Path, metavar="F", help="converted file; default: random weights"
    )
    if entrant.size is not None:
        parser.add_argument("--size", type=_size, default=entrant.size, metavar="HxW")
    for name, option in _AMOUNTS.items():
        default = getattr(entrant, name)
        if default is not None:
            parser.add_argument(option, dest=name, type=_positive, default=default, metavar="N")
    parser.add_argument(
        "--threads", type=_thread_counts, default=[1, 2], metavar="LIST", help="default 1,2"
    )
    parser.add_argument("--rounds", type=_positive, default=5, metavar="N", help="default 5")
    parser.add_argument(
        "--repeat",
        type=_positive,
        default=entrant.repeat,
        metavar="N",
        help="runs in a turn, default %(default)s",
    )
    parser.add_argument(
        "--peer",
        action="append",
        choices=[peer.package for peer in PEERS],
        metavar="NAME",
        help="only this one, may be repeated: %(choices)s",
    )
    parser.add_argument("--hewn", type=Path, metavar="PATH", help=f"default $HEWN or {_HEWN}")
    parser.add_argument("--out", type=Path, default=_OUT, metavar="DIR", help="default %(default)s")


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    return report_errors("peers", lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
