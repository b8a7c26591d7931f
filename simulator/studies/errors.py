"""What can go wrong with a study, as its reader should hear it.

* :class:`StudyError`: the question cannot be answered as asked; ``hint`` names the way out
    * :class:`ClusterError`: the machines that should compute are not there or do not fit
* :class:`StudyInterrupted`: stopped before the end; what is finished has been kept
"""


class StudyError(Exception):
    """A question that cannot be answered as asked; ``hint`` names the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(hint)  # shown below the message where a notebook shows the error


class ClusterError(StudyError):
    """A scheduler that cannot be reached, or a worker that cannot be used."""


class StudyInterrupted(Exception):
    """Stopped by the user; ``done`` of ``wanted`` points are finished and kept."""

    def __init__(self, done: int, wanted: int) -> None:
        super().__init__(f"interrupted: {done} of {wanted} points are finished and kept")
        self.done = done
        self.wanted = wanted
