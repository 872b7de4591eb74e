"""The one exception that a command reports to its user."""

import sys
from collections.abc import Callable


class ToolError(Exception):
    """Something the user can act on; its text is complete and names the file or argument."""


def report_errors(command: str, run: Callable[[], int]) -> int:
    """Runs a command and returns its exit status; a ToolError becomes a message and status 1."""
    try:
        return run()
    except ToolError as error:
        print(f"{command}: {error}", file=sys.stderr)
        return 1
