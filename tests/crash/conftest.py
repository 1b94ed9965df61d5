"""Directories for the crash tests, and where their modules are found."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.run_directory import new_run_directory  # noqa: E402


@pytest.fixture
def here():
    """A directory of the test's own that daemons can enter."""
    directory = new_run_directory("crash")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)
