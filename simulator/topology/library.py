"""The topologies and workloads that come with the product, found by name from any folder."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

Shelf = Literal["topologies", "workloads"]


def library_folder(shelf: Shelf) -> Path:
    """Where the documents are: in the installed package, or in a checkout beside it."""
    package = Path(str(files("simulator")))
    installed = package / "library" / shelf
    return installed if installed.is_dir() else package.parent / shelf


def topology_names() -> list[str]:
    """Names of the topologies we ship, in alphabetical order."""
    return _names("topologies")


def workload_names() -> list[str]:
    """Names of the workloads we ship, in alphabetical order."""
    return _names("workloads")


def topology_path(name: str) -> Path:
    """The file that a word on the command line means: a path, or the name of one we ship."""
    return _path(name, "topologies")


def workload_path(name: str) -> Path:
    """The file of a workload, by path or name."""
    return _path(name, "workloads")


def _names(shelf: Shelf) -> list[str]:
    return sorted(path.stem for path in library_folder(shelf).glob("*.yaml"))


def _path(name: str, shelf: Shelf) -> Path:
    shipped = library_folder(shelf) / f"{name}.yaml"
    is_path = "/" in name or name.endswith((".yaml", ".yml")) or Path(name).exists()
    return shipped if shipped.is_file() and not is_path else Path(name)
