"""How long a function takes."""

import time
from collections.abc import Callable

_RUNS = 3
_ENOUGH_SECONDS = 2.0


def seconds_of(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def brief_trial(run: Callable[[], None]) -> list[float]:
    """The seconds of a few runs, or of fewer when they are long ones."""
    seconds: list[float] = []
    while len(seconds) < _RUNS and sum(seconds) < _ENOUGH_SECONDS:
        seconds.append(seconds_of(run))
    return seconds
