"""Queues with known answers, as topologies: cases V01 to V07 and V09 to V12.

Each case is a document in the product's own language, run through the whole product; the expected
values are closed forms (or, for V05 and V09, independent simulations of a million arrivals).
``measure`` names what is compared: ``latency.mean``, ``latency.p99``, ``wait`` (mean wait at
``station``, over all served), ``queue`` (mean queue length), ``refused`` (share of requests),
``timeout`` (share), ``throughput``.
"""

from dataclasses import dataclass, field

ONE_STATION = """
name: station
rate: {rate:.12g} rps
requests: {{job: {{entry: station}}}}
components:
  station: {{kind: service, workers: {servers}{queue}, steps: [{{work: {service}}}]}}
"""


@dataclass(frozen=True)
class Case:
    """A document, how long to run it (s per replication), and what to expect within what."""

    id: str
    document: str
    horizon_s: float
    expected: dict[str, float]
    tolerance: float
    absolute: bool = False
    tolerances: dict[str, float] = field(default_factory=dict)
    arrivals: dict[str, object] = field(default_factory=lambda: {"kind": "steady"})

    def allowed(self, measure: str) -> float:
        """The error allowed for a measure, in its own unit."""
        tolerance = self.tolerances.get(measure, self.tolerance)
        return tolerance if self.absolute else tolerance * abs(self.expected[measure])


def one_station(rate: float, servers: int, service: str, queue: str = "") -> str:
    """A document with a single station."""
    return ONE_STATION.format(rate=rate, servers=servers, service=service, queue=queue)


EXPONENTIAL = "{exponential: {mean: 1s}}"
SHORT_RUN = 20_000.0
LONG_RUN = 120_000.0


def _mm1() -> list[Case]:
    expected = {
        0.5: {"latency.mean": 2.0},
        0.7: {"latency.mean": 3.3333333},
        0.8: {
            "latency.mean": 5.0,
            "latency.p50": 3.4657,
            "latency.p95": 14.979,
            "latency.p99": 23.026,
            "queue": 3.2,
        },
        0.9: {"latency.mean": 10.0},
    }
    return [
        Case(
            f"V01 rho {rho}",
            one_station(rho, 1, EXPONENTIAL),
            SHORT_RUN / (1.0 - rho),
            values,
            0.02,
            tolerances={"latency.p95": 0.04, "latency.p99": 0.04, "queue": 0.04},
        )
        for rho, values in expected.items()
    ]


def _mmc() -> list[Case]:
    table = [
        (2, 0.8, 2.7778, None),
        (5, 0.5, 1.0522, None),
        (5, 0.8, 1.5541, None),
        (10, 0.5, 1.0072, None),
        (10, 0.8, 1.2046, 4.946),
        (10, 0.9, 1.6687, 6.250),
        (100, 0.9, 1.0217, None),
    ]
    cases = []
    for servers, rho, mean, p99 in table:
        expected = {"latency.mean": mean}
        if p99 is not None:
            expected["latency.p99"] = p99
        document = one_station(servers * rho, servers, EXPONENTIAL)
        horizon_s = SHORT_RUN / (1.0 - rho) / min(servers, 10)
        cases.append(Case(f"V02 c {servers} rho {rho}", document, horizon_s, expected, 0.02))
    return cases


def _mg1() -> list[Case]:
    services = [
        (0, "1s", 2.0, 0.03),
        (0.5, "{gamma: {mean: 1s, cv: 0.70710678}}", 3.0, 0.03),
        (1, EXPONENTIAL, 4.0, 0.03),
        (4, "{hyperexponential: {mean: 1s, scv: 4}}", 10.0, 0.03),
        (10, "{hyperexponential: {mean: 1s, scv: 10}}", 22.0, 0.08),
    ]
    return [
        Case(
            f"V03 scv {scv}",
            one_station(0.8, 1, service),
            SHORT_RUN * 5 * max(1.0, scv / 2),
            {"wait": wait},
            tolerance,
        )
        for scv, service, wait, tolerance in services
    ]


def _bimodal() -> list[Case]:
    mixture = (
        "{mixture: [{weight: 99.9%, of: {exponential: {mean: 0.1s}}}, "
        "{weight: 0.1%, of: {exponential: {mean: 10s}}}]}"
    )
    weibull = "{weibull: {mean: 0.1s, shape: 2}}"
    return [
        Case("V04 bimodal", one_station(0.8 / 0.1099, 1, mixture), SHORT_RUN * 6,
             {"wait": 4.003, "latency.mean": 4.113}, 0.08),
        Case("V04 weibull", one_station(8.0, 1, weibull), SHORT_RUN,
             {"latency.mean": 0.35465}, 0.02),
    ]  # fmt: skip


def _loss() -> list[Case]:
    table = [(5, 4, 0.199067), (10, 8, 0.121661), (20, 15, 0.045593), (100, 90, 0.026957)]
    cases = [
        Case(f"V06 {servers} servers",
             one_station(load, servers, EXPONENTIAL, ", queue: {capacity: 0}"),
             LONG_RUN / load, {"refused": loss}, 0.002, absolute=True)
        for servers, load, loss in table
    ]  # fmt: skip
    for name, service in (("constant", "1s"), ("lognormal", "{lognormal: {mean: 1s, cv: 2}}")):
        document = one_station(8, 10, service, ", queue: {capacity: 0}")
        cases.append(
            Case(f"V06 {name}", document, LONG_RUN / 8, {"refused": 0.121661}, 0.002, absolute=True)
        )
    return cases


def _bounded() -> list[Case]:
    table = [(3.6, 0.04881, 1.6709), (4.0, 0.08914, 1.8807), (5.0, 0.21823, 2.3039)]
    return [
        Case(f"V07 rate {rate}", one_station(rate, 4, EXPONENTIAL, ", queue: {capacity: 8}"),
             LONG_RUN / rate, {"refused": loss, "latency.mean": mean}, 0.02)
        for rate, loss, mean in table
    ]  # fmt: skip


def _pool() -> list[Case]:
    table = [(9, 1, 0.0307, 0.232), (10, 1, 0.0677, 0.366), (12, 1, 0.1775, 0.613),
             (9.5, 3, 0.0111, 0.878)]  # fmt: skip
    document = """
name: pool
rate: {rate} rps
requests: {{job: {{entry: station}}}}
components:
  station: {{kind: database, connections: 10, acquire_timeout: {patience}s, query: {service}}}
"""
    return [
        Case(
            f"V09 rate {rate} patience {patience}",
            document.format(rate=rate, patience=patience, service=EXPONENTIAL),
            LONG_RUN / rate,
            {"timeout": share, "served_wait": wait},
            0.03,
        )
        for rate, patience, share, wait in table
    ]


ERLANG4 = "{erlang: {mean: 1s, phases: 4}}"
CLUMPED = "{hyperexponential: {mean: 1s, scv: 4}}"
REGULAR = {"erlang": {"mean": 1, "phases": 4}}
IRREGULAR = {"hyperexponential": {"mean": 1, "scv": 4}}


def _ggc() -> list[Case]:
    """Expected waits are simulations of others (three decimals), not the approximation."""
    table: list[tuple[str, dict[str, object] | None, str, int, float, float]] = [
        ("E4/E4/1", REGULAR, ERLANG4, 1, 0.8, 0.8356),
        ("H2/M/1", IRREGULAR, EXPONENTIAL, 1, 0.8, 9.79),
        ("M/H2/4", None, CLUMPED, 4, 0.8, 1.732),
        ("H2/H2/4", IRREGULAR, CLUMPED, 4, 0.8, 3.190),
        ("M/E4/10", None, ERLANG4, 10, 0.9, 0.4258),
    ]
    cases = []
    for name, gaps, service, servers, rho, wait in table:
        steady: dict[str, object] = {"kind": "steady"}
        arrivals = steady if gaps is None else {"kind": "renewal", "gaps_between": gaps}
        document = one_station(servers * rho, servers, service)
        horizon_s = SHORT_RUN * 40 / servers
        cases.append(
            Case(f"V05 {name}", document, horizon_s, {"wait": wait}, 0.03, arrivals=arrivals)
        )
    return cases


def _closed() -> list[Case]:
    table = [(1, 1.0, 0.0909), (5, 1.4666, 0.4361), (10, 2.7321, 0.7854), (20, 10.0375, 0.9981),
             (50, 40.0, 1.0)]  # fmt: skip
    cases = []
    for users, response, throughput in table:
        arrivals: dict[str, object] = {
            "kind": "closed", "users": users, "think_time": {"exponential": {"mean": "10s"}},
        }  # fmt: skip
        expected = {"latency.mean": response, "throughput": throughput}
        document = one_station(1.0, 1, EXPONENTIAL)
        cases.append(
            Case(f"V11 {users} users", document, SHORT_RUN * 5, expected, 0.01, arrivals=arrivals)
        )
    return cases


TANDEM = """
name: tandem
rate: 0.5 rps
requests: {job: {entry: first}}
components:
  first: {kind: service, steps: [{work: {exponential: {mean: 1s}}}, {call: second}]}
  second: {kind: service, steps: [{work: {exponential: {mean: 1.25s}}}, {call: third}]}
  third: {kind: service, steps: [{work: {exponential: {mean: 1.6s}}}]}
"""

FEEDBACK = """
name: feedback
rate: 8 rps
requests: {job: {entry: passes}}
components:
  passes:
    kind: service
    workers: 1000000
    steps: [{repeat: {times: {geometric: {mean: 1.25}}, steps: [{call: web}]}}]
  web:
    kind: service
    workers: 3
    steps:
      - work: {exponential: {mean: 200ms}}
      - choose: [{share: 60%, steps: [{call: db}]}, {share: 40%, steps: []}]
  db: {kind: service, workers: 2, steps: [{work: {exponential: {mean: 250ms}}}]}
"""

PRIORITY = """
name: priority
rate: 0.8 rps
requests:
  high: {share: 3, entry: station, priority: 0}
  low: {share: 5, entry: station, priority: 1}
components:
  station:
    kind: service
    queue: {discipline: priority}
    steps: [{work: {exponential: {mean: 1s}}}]
"""

NETWORKS = [
    Case("V10 tandem", TANDEM, SHORT_RUN * 6, {"latency.mean": 13.3333}, 0.02),
    Case("V10 feedback", FEEDBACK, SHORT_RUN / 2, {"latency.mean": 0.78968}, 0.02),
    Case(
        "V12 priority",
        PRIORITY,
        SHORT_RUN * 5,
        {"high.latency.mean": 2.142857, "low.latency.mean": 6.714286},
        0.03,
    ),
]

CASES = [
    *_mm1(),
    *_mmc(),
    *_mg1(),
    *_bimodal(),
    *_ggc(),
    *_loss(),
    *_bounded(),
    *_pool(),
    *NETWORKS,
    *_closed(),
]
