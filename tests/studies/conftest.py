"""Small designs with known answers, as files."""

from pathlib import Path

import pytest

from simulator.studies.design import Design, load_design
from tests.designs import DESK, SHOP


@pytest.fixture
def desk_file(tmp_path: Path) -> Path:
    """One M/M/4 station."""
    path = tmp_path / "desk.yaml"
    path.write_text(DESK, encoding="utf-8")
    return path


@pytest.fixture
def shop_file(tmp_path: Path) -> Path:
    """Two stations in a row, both with a price."""
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP, encoding="utf-8")
    return path


@pytest.fixture
def desk(desk_file: Path) -> Design:
    """The M/M/4 station as a design."""
    return load_design(str(desk_file))


@pytest.fixture
def shop(shop_file: Path) -> Design:
    """The two stations as a design."""
    return load_design(str(shop_file))
