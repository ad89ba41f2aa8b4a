"""The one exception that a user is meant to read."""


class PipelineError(Exception):
    """A problem in the input, the config or the machine; its text names the place, the value seen and the remedy."""
