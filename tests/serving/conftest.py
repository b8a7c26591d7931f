"""Lets the serving tests import what they share."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from serving_fixtures import PlainStepTime


@pytest.fixture
def step_time() -> PlainStepTime:
    """The made-up engine."""
    return PlainStepTime()
