"""Functions that the transforms under test name by path; they run in a worker process."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from pandas import DataFrame

NOT_A_FUNCTION = 5


def joined(spend: DataFrame, quality_score: DataFrame, month: str) -> DataFrame:
    return spend.merge(quality_score, on="vendor").assign(month=month)


def doubled(frame: DataFrame, factor: int = 2) -> DataFrame:
    return frame.assign(amount=frame["amount"] * factor)


def month_first(month: str, frame: DataFrame) -> DataFrame:
    return frame.assign(month=month)


def everything(**given: object) -> DataFrame:
    return DataFrame({"name": sorted(given)})


def other_names(this: DataFrame, that: DataFrame) -> DataFrame:
    return this


def no_arguments() -> DataFrame:
    return DataFrame({"process": [os.getpid()]})


def raises(spend: DataFrame) -> DataFrame:
    raise ValueError("no such vendor\nand more")


def raises_in_pandas(spend: DataFrame) -> Any:
    return spend["nope"]


def exits(spend: DataFrame) -> DataFrame:
    sys.exit("stopped")


def dies(spend: DataFrame) -> DataFrame:
    os._exit(3)


def a_series(spend: DataFrame) -> Any:
    return spend["amount"]


async def a_coroutine(spend: DataFrame) -> DataFrame:
    return spend


def a_list_in_a_cell(spend: DataFrame) -> DataFrame:
    return DataFrame({"tags": [["a", "b"]]})


def divides_by_zero(spend: DataFrame) -> DataFrame:
    return spend.assign(share=spend["amount"] / 0)


def one_name_twice(spend: DataFrame) -> DataFrame:
    return pd.concat([spend, spend], axis="columns")


def talks(spend: DataFrame) -> DataFrame:
    print("on its standard output", flush=True)  # noqa: T201  # what is tested
    subprocess.run(["echo", "on the process's own"], check=True)  # noqa: S607  # what is tested
    return spend


def sleeps(pid_file: str) -> DataFrame:
    """Says who it is, then works for longer than any test waits."""
    Path(pid_file).write_text(str(os.getpid()))
    time.sleep(60)
    return DataFrame()


def meets(here: str, there: str) -> DataFrame:
    """Returns when the other process has come, so that two calls end only if they run at once."""
    Path(here).touch()
    while not Path(there).exists():
        time.sleep(0.01)
    return DataFrame({"process": [os.getpid()]})
