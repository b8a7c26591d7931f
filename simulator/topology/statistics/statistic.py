"""What all statistical calculations have in common."""

from abc import abstractmethod

from simulator.kernel.kinded import OneKey


class Statistic(OneKey):
    """A statistical calculation: picked by its key, computed by scipy, one number reported."""

    report: str
    """Which of the results is reported."""

    @abstractmethod
    def results(self) -> dict[str, float]:
        """Every result by name."""

    @abstractmethod
    def derivation(self) -> str:
        """How the results come about, in one line."""

    @property
    def value(self) -> float:
        """The result that is reported."""
        return self.results()[self.report]
