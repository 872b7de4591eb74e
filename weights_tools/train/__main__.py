"""python -m weights_tools.train NETWORK [options]: each network's file has its options."""

import importlib
import sys

NETWORKS = ("superpoint", "raft", "completion", "clip", "maple")


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in NETWORKS:
        print(f"usage: python -m weights_tools.train {{{'|'.join(NETWORKS)}}} [--help]")
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    network = importlib.import_module(f"weights_tools.train.{sys.argv[1]}")
    return network.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
