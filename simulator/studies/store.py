"""Finished points on disk, so that a study that was stopped goes on where it was."""

import os
import tempfile
from pathlib import Path

from simulator.studies.errors import StudyError


class Store:
    """A folder of packed results, one file a digest.

    Only whole results are put in. Files are written beside their place and moved there, so a
    reader never sees half of one, and several studies may share a folder. The digest covers the
    version of the package, so versions share a folder too, each with points of its own.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        """Where the files are; None keeps nothing."""

    def open(self) -> None:
        """Make the folder; raises StudyError where that cannot be done, before anything is run."""
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._unusable(error) from None

    def get(self, digest: str) -> bytes | None:
        """The packed result, or None if there is none (or it cannot be read)."""
        if self.folder is None:
            return None
        try:
            return self._path(digest).read_bytes()
        except OSError:
            return None

    def put(self, digest: str, packed: bytes) -> None:
        """Keep a result."""
        if self.folder is None:
            return
        path = self._path(digest)
        draft = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
            with os.fdopen(handle, "wb") as file:
                file.write(packed)
            Path(draft).replace(path)
        except OSError as error:
            if draft is not None:
                Path(draft).unlink(missing_ok=True)
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> StudyError:
        return StudyError(
            f"cannot keep results in {self.folder}: {error.strerror}",
            "choose another folder with --store, or none with --no-store",
        )

    def _path(self, digest: str) -> Path:
        assert self.folder is not None
        return self.folder / digest[:2] / f"{digest}.json.gz"


def default_folder() -> Path:
    """``$SIMULATE_STORE``, or a folder in the user's cache."""
    chosen = os.environ.get("SIMULATE_STORE")
    if chosen:
        return Path(chosen)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "capacity-simulator"
