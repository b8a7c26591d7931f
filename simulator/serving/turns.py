"""Whose turn it is when some of several replicas are lost."""

from collections.abc import Iterable, Sequence


class Turns:
    """Remembers who was lost and came back: the others go first, the last of them before the rest.

    A rolling restart thus gets round to every replica, however soon each is back.
    """

    def __init__(self) -> None:
        self._back: dict[int, None] = {}

    def came_back(self, replicas: Iterable[int]) -> None:
        """These serve again, and go last from now on."""
        for replica in replicas:
            self._back.pop(replica, None)
            self._back[replica] = None

    def new(self, serving: Sequence[int]) -> list[int]:
        """Those that were not lost yet; once everybody was, it begins anew with all of them."""
        found = [i for i in serving if i not in self._back]
        if not found:
            self._back.clear()
        return found or list(serving)

    def next(self, serving: Sequence[int], count: int) -> list[int]:
        """Those that go when ``count`` of the ``serving`` are lost."""
        first = [i for i in reversed(serving) if i not in self._back]
        then = [i for i in self._back if i in set(serving)]
        return sorted((first + then)[:count])
