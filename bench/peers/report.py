"""The result of a race as a table, a JSON document and a plot."""

import datetime
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.peers.race import Entry

_MILLI = 1e3
_MEGA = 1e6
_HEWN = "hewn"


def machine() -> str:
    """As in "Some Processor 9, 2 processors, Linux"."""
    name = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
            break
    return f"{name}, {os.cpu_count()} processors, {platform.system()}"


def errors_table(errors: dict[str, dict[str, float]]) -> str:
    """Relative L2 distances, a line a program."""
    names = list(next(iter(errors.values())))
    lines = ["relative L2 distance to PyTorch in float64"]
    lines.append(f"{'':<14}" + "".join(f"{name:>13}" for name in names))
    for title, outputs in errors.items():
        lines.append(f"{title:<14}" + "".join(f"{outputs[name]:13.1e}" for name in names))
    return "\n".join(lines)


def times_table(entries: Sequence[Entry]) -> str:
    """As Markdown, ready for docs/benchmarks.md."""
    lines = [
        "| program | version | threads | median ms | its rounds | ratio to hewn | peak MB |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for entry in entries:
        times = [_MILLI * turn.seconds for turn in entry.turns]
        version = f"{entry.turns[0].version} {_notes(entry)}".strip()
        lines.append(
            f"| {entry.title} | {version} | {entry.threads} | {_MILLI * entry.seconds:.1f} | "
            f"{min(times):.1f} to {max(times):.1f} | {_ratio(entry, entries):.2f} | "
            f"{entry.peak_bytes / _MEGA:.0f} |"
        )
    return "\n".join(lines)


def as_json(
    settings: dict[str, Any], errors: dict[str, dict[str, float]], entries: Sequence[Entry]
) -> str:
    results = [
        {
            "program": entry.title,
            "threads": entry.threads,
            "median_seconds": entry.seconds,
            "ratio_to_hewn": _ratio(entry, entries),
            "peak_bytes": entry.peak_bytes,
            "turns": [asdict(turn) for turn in entry.turns],
        }
        for entry in entries
    ]
    document = {
        **settings,
        "machine": machine(),
        "date": datetime.date.today().isoformat(),
        "relative_l2": errors,
        "results": results,
    }
    return json.dumps(document, indent=2) + "\n"


def plot(title: str, entries: Sequence[Entry], path: Path) -> None:
    """Horizontal bars, one group for each number of threads, the fastest on top."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    threads = sorted({entry.threads for entry in entries})
    figure, axes = pyplot.subplots(
        1, len(threads), figsize=(4.5 * len(threads), 3), sharex=True, squeeze=False
    )
    for count, axis in zip(threads, axes[0], strict=True):
        group = sorted((e for e in entries if e.threads == count), key=lambda e: -e.seconds)
        times = [_MILLI * entry.seconds for entry in group]
        colors = ["#c2541b" if entry.title == _HEWN else "#9aa5b1" for entry in group]
        bars = axis.barh([entry.title for entry in group], times, color=colors)
        axis.bar_label(bars, fmt="%.1f", padding=3)
        axis.margins(x=0.2)
        axis.set_title("1 thread" if count == 1 else f"{count} threads")
        axis.set_xlabel("ms, less is better")
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _ratio(entry: Entry, entries: Sequence[Entry]) -> float:
    hewn = next(e for e in entries if e.title == _HEWN and e.threads == entry.threads)
    return entry.seconds / hewn.seconds


def _notes(entry: Entry) -> str:
    """Rounds may differ in it, as when PyTorch's two layouts are about as fast."""
    return "/".join(sorted({turn.note for turn in entry.turns}))
