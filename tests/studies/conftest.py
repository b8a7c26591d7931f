"""Small designs with known answers, as files."""

from pathlib import Path

import pytest

from simulator.studies.design import Design, load_design

DESK = """
name: desk
rate: 50 rps
requests:
  all: {entry: counter}
components:
  counter:
    kind: service
    workers: 4
    cost: $1/h
    steps: [{work: {exponential: {mean: 50ms}}}]
objectives:
  latency: ["p(95)<250ms"]
variants:
  quick:
    summary: A quicker clerk.
    components: {counter: {steps: [{work: {exponential: {mean: 40ms}}}]}}
"""

SHOP = """
name: shop
rate: 200 rps
requests:
  all: {entry: web}
components:
  web:
    kind: service
    replicas: 3
    workers: 4
    cost: $0.5/h
    steps: [{work: {exponential: {mean: 20ms}}}, {call: store}]
  store:
    kind: service
    replicas: 4
    workers: 1
    cost: $0.3/h
    steps: [{work: {exponential: {mean: 10ms}}}]
objectives:
  latency: ["p(95)<150ms"]
"""


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
