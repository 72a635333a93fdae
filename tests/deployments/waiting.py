"""A transform that waits for a file, so that a test can kill a run in the middle of a node."""

import time
from pathlib import Path

import pandas as pd


def until_told(spend: pd.DataFrame, folder: str) -> pd.DataFrame:
    """The frame, once a file called `go` is in the folder; it says that it waits by a file called `waiting`."""
    (Path(folder) / "waiting").touch()
    while not (Path(folder) / "go").exists():
        time.sleep(0.05)
    return spend
