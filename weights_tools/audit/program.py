"""Finds and runs the compiled programs that the audit examines."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from weights_tools.errors import ToolError

# Far more than any audit needs; a hang must not become ours.
_TIME_LIMIT_SECONDS = 900


def find_program(given: Path | None, variable: str, default: Path) -> Path:
    """The program given on the command line, else by an environment variable, else as built."""
    program = given or Path(os.environ.get(variable) or default)
    if not (program.is_file() and os.access(program, os.X_OK)):
        raise ToolError(
            f"{program}: expected the program {default.name}; build it, or name it by ${variable}"
        )
    return program.absolute()


def run_program(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> None:
    """Runs a program to its end; a failure repeats the last thing it said."""
    name = Path(command[0]).name
    try:
        finished = subprocess.run(
            list(command),
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIME_LIMIT_SECONDS,
            check=False,
        )
    except OSError as error:
        raise ToolError(f"{command[0]}: cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name}: still running after {_TIME_LIMIT_SECONDS} seconds") from error
    if finished.returncode != 0:
        said = finished.stderr.strip().splitlines() or ["nothing on its error output"]
        status = finished.returncode
        ending = f"exit status {status}" if status > 0 else f"signal {-status}"
        raise ToolError(f"{name}: {ending}: {said[-1]}")
