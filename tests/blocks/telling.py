"""What may be seen of an error, for tests that no secret is."""

import pickle
from traceback import TracebackException

from blocks.errors import HoldfastError


def everything_about(error: HoldfastError) -> str:
    """All that a person or a program may print of the error, with the variables of every frame but the tests' own."""
    told = TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in told.stack if "/tests/" not in frame.filename]
    assert frames
    variables = [str(frame.locals) for frame in frames]
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # it was made the line before, as Prefect does
    return "\n".join([repr(error), repr(vars(error)), repr(again), *told.format_exception_only(), *variables])
