"""The exceptions that a user is meant to read."""


class PipelineError(Exception):
    """A problem in the input, the config or the machine; its text names the place, the value seen and the remedy."""

    exit_code = 1


class Interrupted(PipelineError):
    """A training that was told to stop and saved its state: the same command goes on from there."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again
