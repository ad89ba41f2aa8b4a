"""How a script becomes a command: arguments from the function's signature, errors as one message, an exit code."""

import errno
import logging
import sys
from collections.abc import Callable
from typing import Any

from jsonargparse import auto_cli

from codeparrot.errors import PipelineError


def run(main: Callable[..., Any], as_positional: bool = False) -> None:
    """Run `main` with the command line's arguments, by name, or those without a default by position.

    A PipelineError ends the command with its message and exit code.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    try:
        auto_cli(main, as_positional=as_positional)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.exit(f"error: {error.filename or 'a temporary file'}: the disk is full; free some space and run again")
