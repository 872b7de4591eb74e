"""python -m weights_tools.evaluate NETWORK [options]: each has its options and `main`."""

import importlib
import sys

NETWORKS = ("superpoint", "raft", "completion", "clip")


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in NETWORKS:
        print(f"usage: python -m weights_tools.evaluate {{{'|'.join(NETWORKS)}}} [--help]")
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    network = importlib.import_module(f"weights_tools.evaluate.{sys.argv[1]}")
    return network.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
