"""Every metric of a run: what it is, its unit, how it is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """A metric as `simulate explain` shows it."""

    sentence: str
    unit: str
    measures: str


METRICS: dict[str, Metric] = {
    "latency": Metric(
        "Time from arrival to the answer, of requests answered well, queueing included.",
        "seconds",
        "mean, percentiles p(..), max",
    ),
    "ttft": Metric(
        "Time from arrival to the first token of a streamed answer.",
        "seconds",
        "mean, percentiles p(..), max",
    ),
    "tpot": Metric(
        "Mean time of each token after the first of a streamed answer (inter-token latency).",
        "seconds",
        "mean, percentiles p(..), max",
    ),
    "throughput": Metric("Requests that finished, with whatever outcome.", "per second", "value"),
    "goodput": Metric("Requests answered well within their time limits.", "per second", "value"),
    "errors": Metric(
        "Share of finished requests that were not answered well, for any reason.",
        "fraction",
        "rate",
    ),
    "availability": Metric(
        "Share answered well, leaving out requests beyond their limit or withdrawn by the client.",
        "fraction",
        "rate",
    ),
    "degraded": Metric(
        "Share of good answers that were stale or came from a fallback.", "fraction", "value"
    ),
    "quality": Metric(
        "Mean quality of good answers, a factor between 0 and 1 that the design marks. Without a "
        "class it is that of the classes in which some request is marked, failed ones included; a "
        "failed request itself has none.",
        "fraction",
        "value",
    ),
    "cost": Metric(
        "Running cost of all replicas plus usage prices, over all cells.",
        "dollars",
        "per_hour, per_month (730 h), per_1k_requests (good ones)",
    ),
    "utilization": Metric(
        "Share of the servers of a component that are busy, averaged over time; of a broker with "
        "several consumer groups that of the fullest group.",
        "fraction",
        "value, per component",
    ),
}
