"""Calls a transform's function; this is what the worker process runs, so it imports neither Prefect nor a database."""

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from blocks.errors import TransformRefused
from tasks.outcome import Table

if TYPE_CHECKING:
    from pandas import DataFrame


def apply_in_worker(path: str, tables: Mapping[str, Table], inputs: Mapping[str, JsonValue]) -> Table:
    """As `apply`; what the function's own programs print goes to standard error.

    A worker process answers on its standard output, so anything else that is written there breaks the answer.
    """
    channel = os.dup(1)
    os.dup2(2, 1)
    try:
        return apply(path, tables, inputs)
    finally:
        os.dup2(channel, 1)
        os.close(channel)


def apply(path: str, tables: Mapping[str, Table], inputs: Mapping[str, JsonValue]) -> Table:
    """The table that the function at `path` makes of the tables.

    Raises:
        TransformRefused: the function cannot be imported or called, raised, or returned no frame.
    """
    from pandas import DataFrame  # slow to import, and `load` is also called where nothing is computed

    from tasks.frames import frame_of, table_of

    function = load(path)
    arguments = _arguments(path, function, {name: frame_of(table) for name, table in tables.items()}, inputs)
    try:
        frame = function(**arguments)
    # A user's function may raise anything; it must cross the process as words, and sys.exit() must not end the run.
    except (Exception, SystemExit) as error:
        raise TransformRefused(
            f"{path} raised {_words(error)}", means=_place(error, function), mend="mend the function"
        ) from None
    if not isinstance(frame, DataFrame):
        raise TransformRefused(f"{path} returned a {type(frame).__name__}", mend="return a pandas DataFrame")
    try:
        return table_of(frame)
    except TypeError as error:
        raise TransformRefused(f"{path} returned a frame that is no table: {error}", mend="use plain values") from None


def load(path: str) -> Callable[..., object]:
    """The function at `package.module:function`.

    Raises:
        TransformRefused: there is no such module or function.
    """
    module, _, name = path.partition(":")
    try:
        function = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:  # a user's module may raise anything
        raise TransformRefused(
            f"{path} cannot be imported: {_words(error)}", mend="name an importable module:function"
        ) from None
    if not callable(function):
        raise TransformRefused(f"{path} is not a function", mend="name an importable module:function")
    return function  # type: ignore[no-any-return]  # narrowed from Any by callable()


def _arguments(
    path: str, function: Callable[..., object], frames: "Mapping[str, DataFrame]", inputs: Mapping[str, JsonValue]
) -> dict[str, object]:
    parameters = inspect.signature(function).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return {**inputs, **frames}
    known: dict[str, object] = {**inputs, **frames}
    free = [name for name, p in parameters.items() if p.default is p.empty and name not in known]
    if len(frames) == 1 and not set(frames) & set(parameters) and free:
        # One table and a parameter of another name, as in `def clean(frame)`: there is only one way to call it.
        known[free[0]] = next(iter(frames.values()))
    missing = [name for name, p in parameters.items() if p.default is p.empty and name not in known]
    if missing:
        raise TransformRefused(
            f"{path} wants {', '.join(missing)}",
            means=f"the node gives it {', '.join(known) or 'nothing'}",
            mend="name the parameters after the needed nodes and the workflow's inputs",
        )
    return {name: known[name] for name in parameters if name in known}


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0].removesuffix(": ")


def _place(error: BaseException, function: Callable[..., object]) -> str:
    """Where it happened: the last line of the function's own file, not one of pandas."""
    frames = traceback.extract_tb(error.__traceback__)
    module = sys.modules.get(getattr(function, "__module__", ""))
    own = [frame for frame in frames if frame.filename == getattr(module, "__file__", None)]
    last = (own or frames)[-1]
    return f"at {last.filename}:{last.lineno}"
