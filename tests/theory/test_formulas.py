"""The closed forms against published numbers and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.theory.abandonment import MMcPatience
from simulator.theory.allen_cunneen import GGc
from simulator.theory.bounds import closed_bounds, kingman_wait, open_capacity, utilizations
from simulator.theory.erlang import MMc, MMcK, erlang_b, erlang_c
from simulator.theory.hedging import (
    extra_requests,
    hedged_quantile,
    lognormal_tail,
    mixture_tail,
    normal_tail,
)
from simulator.theory.jackson import OpenNetwork
from simulator.theory.littles_law import (
    concurrency_needed,
    little_residual,
    mean_in_system,
    utilization_residual,
)
from simulator.theory.mva import closed_network, machine_repair
from simulator.theory.order_statistics import (
    chain_quantile_exponential,
    exponential_quantile,
    fan_out_mean_exponential,
    fan_out_quantile,
    fork_join_mean,
    quorum_mean_exponential,
    quorum_quantile,
    straggler_probability,
)
from simulator.theory.pollaczek_khinchine import MG1, mixture_moments
from simulator.theory.power_of_two import mean_response, queue_tail
from simulator.theory.priority import cobham_waits, cobham_waits_servers, preemptive_responses
from tests.theory.printed import rounded


@pytest.mark.parametrize(("load", "mean"), [(0.5, 2.0), (0.7, 3.3333), (0.8, 5.0), (0.9, 10.0)])
def test_single_server_mean(load: float, mean: float) -> None:
    assert MMc(load, 1.0).mean_response_s == rounded(mean, 4)


@pytest.mark.parametrize(
    ("p", "value", "digits"),
    [(0.5, 3.466, 3), (0.95, 14.98, 2), (0.99, 23.03, 2), (0.999, 34.54, 2)],
)
def test_single_server_percentiles(p: float, value: float, digits: int) -> None:
    station = MMc(0.8, 1.0)
    assert station.response_quantile(p) == rounded(value, digits)
    assert station.mean_queue_length == rounded(3.2, 4)
    assert station.mean_in_system == rounded(4.0, 4)


@pytest.mark.parametrize(
    ("servers", "load", "waits", "mean"),
    [
        (2, 0.8, 0.71111, 2.7778),
        (5, 0.5, 0.13037, 1.0522),
        (5, 0.8, 0.55411, 1.5541),
        (10, 0.5, 0.03611, 1.0072),
        (10, 0.8, 0.40918, 1.2046),
        (10, 0.9, 0.66873, 1.6687),
        (100, 0.9, 0.21694, 1.0217),
    ],
)
def test_many_servers(servers: int, load: float, waits: float, mean: float) -> None:
    station = MMc(load * servers, 1.0, servers)
    assert station.wait_probability == rounded(waits, 5)
    assert station.mean_response_s == rounded(mean, 4)


@pytest.mark.parametrize(("load", "p99"), [(0.8, 4.946), (0.9, 6.250)])
def test_many_servers_percentile(load: float, p99: float) -> None:
    # At load 0.9 the drain rate equals the service rate: the confluent case.
    assert MMc(10 * load, 1.0, 10).response_quantile(0.99) == rounded(p99, 3)


def test_response_tail_is_continuous_at_the_confluent_case() -> None:
    exact = MMc(9.0, 1.0, 10).response_tail(3.0)
    assert MMc(9.0 + 1e-6, 1.0, 10).response_tail(3.0) == pytest.approx(exact, rel=1e-5)


def test_wait_quantile_inverts_the_wait_tail() -> None:
    station = MMc(6.8, 1.0, 8)
    assert station.wait_tail(station.wait_quantile(0.99)) == pytest.approx(0.01)
    assert station.wait_quantile(0.1) == 0.0


def test_overload_is_an_infinite_wait() -> None:
    station = MMc(2.0, 1.0)
    assert station.mean_wait_s == math.inf
    assert station.response_quantile(0.5) == math.inf
    assert erlang_c(1, 2.0) == 1.0
    assert MG1(1.0, 1.0, 1.0).mean_wait_s == math.inf


@pytest.mark.parametrize(
    ("scv", "wait"), [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0), (4.0, 10.0), (10.0, 22.0)]
)
def test_pollaczek_khinchine(scv: float, wait: float) -> None:
    assert MG1(0.8, 1.0, scv).mean_wait_s == pytest.approx(wait)


def test_bimodal_service() -> None:
    mean, scv = mixture_moments([(0.999, 0.1, 1.0), (0.001, 10.0, 1.0)])
    assert mean == rounded(0.1099, 4)
    assert scv == rounded(17.2, 1)
    station = MG1(0.8 / mean, mean, scv)
    assert station.mean_wait_s == rounded(4.003, 3)
    assert station.mean_response_s == rounded(4.113, 3)


def test_weibull_service() -> None:
    scv = math.gamma(2.0) / math.gamma(1.5) ** 2 - 1.0
    assert MG1(8.0, 0.1, scv).mean_response_s == rounded(0.35465, 5)


@pytest.mark.parametrize(
    ("servers", "load", "arrival_scv", "service_scv", "wait", "digits"),
    [
        (1, 0.8, 0.25, 0.25, 1.0, 3),
        (1, 0.8, 4.0, 1.0, 10.0, 3),
        (4, 0.8, 1.0, 4.0, 1.864, 3),
        (4, 0.8, 4.0, 4.0, 2.982, 3),
        (10, 0.9, 1.0, 0.25, 0.418, 3),
    ],
)
def test_allen_cunneen(
    servers: int, load: float, arrival_scv: float, service_scv: float, wait: float, digits: int
) -> None:
    station = GGc(load * servers, 1.0, servers, arrival_scv, service_scv)
    assert station.mean_wait_s == rounded(wait, digits)


@pytest.mark.parametrize(
    ("servers", "offered", "loss"),
    [(5, 4.0, 0.199067), (10, 8.0, 0.121661), (20, 15.0, 0.045593), (100, 90.0, 0.026957)],
)
def test_erlang_loss(servers: int, offered: float, loss: float) -> None:
    assert erlang_b(servers, offered) == rounded(loss, 6)
    assert MMcK(offered, 1.0, servers, servers).loss_probability == rounded(loss, 6)


@pytest.mark.parametrize(
    ("rate", "loss", "mean"),
    [(3.6, 0.04881, 1.6709), (4.0, 0.08914, 1.8807), (5.0, 0.21823, 2.3039)],
)
def test_bounded_queue(rate: float, loss: float, mean: float) -> None:
    station = MMcK(rate, 1.0, 4, 12)
    assert station.loss_probability == rounded(loss, 5)
    assert station.mean_response_s == rounded(mean, 4)
    assert station.mean_wait_s == pytest.approx(station.mean_response_s - 1.0)


@pytest.mark.parametrize(
    ("rate", "patience", "timeouts", "timeouts_sd", "wait", "wait_sd"),
    [
        (9.0, 1.0, 0.0307, 0.00052, 0.232, 0.0019),
        (10.0, 1.0, 0.0677, 0.00082, 0.366, 0.0022),
        (12.0, 1.0, 0.1775, 0.00103, 0.613, 0.0020),
        (9.5, 3.0, 0.0108, 0.00048, 0.878, 0.0119),
    ],
)
def test_pool_with_an_acquire_timeout(
    rate: float,
    patience: float,
    timeouts: float,
    timeouts_sd: float,
    wait: float,
    wait_sd: float,
) -> None:
    # The published figures come from one run of a million arrivals each; the standard deviations
    # of such a run were measured over 400 shorter ones. Three of them: 2 % false alarms in all.
    station = MMcPatience(rate, 1.0, 10, patience)
    assert abs(station.timeout_probability - timeouts) < 3 * timeouts_sd
    assert abs(station.mean_wait_served_s - wait) < 3 * wait_sd


def test_endless_patience_is_the_unbounded_queue() -> None:
    station, patient = MMc(9.0, 1.0, 10), MMcPatience(9.0, 1.0, 10, 60.0)
    assert patient.mean_wait_served_s == pytest.approx(station.mean_wait_s)
    assert patient.timeout_probability == pytest.approx(0.0, abs=1e-12)


def test_jackson_tandem() -> None:
    chain = OpenNetwork([0.5, 0, 0], [[0, 1, 0], [0, 0, 1], [0, 0, 0]], [1, 0.8, 0.625], [1] * 3)
    assert [s.mean_response_s for s in chain.stations] == pytest.approx([2.0, 10 / 3, 8.0])
    assert chain.mean_response_s == rounded(13.3333, 4)


def test_jackson_feedback() -> None:
    network = OpenNetwork([8.0, 0.0], [[0.2, 0.6], [0.0, 0.0]], [5.0, 4.0], [3, 2])
    assert network.rates == pytest.approx([10.0, 6.0])
    web, database = network.stations
    assert web.mean_response_s == rounded(0.28889, 5)
    assert database.mean_response_s == rounded(0.57143, 5)
    assert network.mean_response_s == rounded(0.78968, 5)


@pytest.mark.parametrize(
    ("users", "response", "throughput", "digits"),
    [(1, 1.0, 0.0909, 4), (5, 1.4666, 0.4361, 4), (10, 2.7321, 0.7854, 4),
     (20, 10.0375, 0.9981, 4), (50, 40.0, 1.0, 4)],
)  # fmt: skip
def test_closed_network(users: int, response: float, throughput: float, digits: int) -> None:
    solved = closed_network(users, [1.0], 10.0)
    assert solved.response_s == rounded(response, digits)
    assert solved.throughput == rounded(throughput, digits)
    assert machine_repair(users, 1.0, 10.0) == pytest.approx(solved.response_s)


def test_closed_network_with_several_servers() -> None:
    # Birth-death equations of M/M/3//20, solved without the convolution.
    users, servers, think = 20, 3, 4.0
    weights = [1.0]
    for n in range(1, users + 1):
        weights.append(weights[-1] * (users - n + 1) / think / min(n, servers))
    shares = np.array(weights) / sum(weights)
    throughput = float(sum(min(n, servers) * share for n, share in enumerate(shares)))
    inside = float(sum(n * share for n, share in enumerate(shares)))
    solved = closed_network(users, [1.0], think, [servers])
    assert solved.throughput == pytest.approx(throughput)
    assert solved.response_s == pytest.approx(inside / throughput)
    assert sum(solved.in_station) + solved.throughput * think == pytest.approx(users)


def test_closed_network_stays_within_its_bounds_far_into_saturation() -> None:
    demands, servers = [0.02, 0.3, 0.05], [1, 8, 2]
    for users in (1, 10, 100, 800):
        solved = closed_network(users, demands, 1.0, servers)
        bound = closed_bounds(users, demands, 1.0, servers)
        assert solved.throughput <= bound.throughput_max * (1 + 1e-9)
        assert solved.response_s >= bound.response_min_s * (1 - 1e-9)
        assert sum(solved.in_station) + solved.throughput == pytest.approx(users)
    assert solved.throughput == pytest.approx(open_capacity(demands, servers), rel=1e-3)


def test_cobham() -> None:
    high, low = cobham_waits([0.3, 0.5], [1.0, 1.0])
    assert high == rounded(1.142857, 6)
    assert low == rounded(5.714286, 6)
    # Work is conserved: the waits weighted by load are those of FIFO.
    assert (0.3 * high + 0.5 * low) / 0.8 == pytest.approx(MG1(0.8, 1.0, 1.0).mean_wait_s)
    assert cobham_waits_servers([0.3, 0.5], 1.0, 1) == pytest.approx([high, low])
    assert cobham_waits([0.3, 0.9], [1.0, 1.0])[1] == math.inf


def test_preemption_hides_the_low_class_from_the_high_one() -> None:
    high, low = preemptive_responses([0.3, 0.5], [1.0, 1.0])
    assert high == pytest.approx(MMc(0.3, 1.0).mean_response_s)
    assert 0.3 * high + 0.5 * low == pytest.approx(MMc(0.8, 1.0).mean_in_system)


@pytest.mark.parametrize(
    ("leaves", "p", "share", "digits"),
    [(1, 0.99, 0.01, 4), (10, 0.99, 0.0956, 4), (100, 0.99, 0.634, 3), (2000, 0.9999, 0.1813, 4)],
)
def test_straggler(leaves: int, p: float, share: float, digits: int) -> None:
    assert straggler_probability(leaves, p) == rounded(share, digits)


def test_fan_out_of_exponential_leaves() -> None:
    leaf = exponential_quantile(10.0)
    assert fan_out_quantile(100, 0.5, leaf) == rounded(49.75, 2)
    assert fan_out_quantile(100, 0.99, leaf) == rounded(92.05, 2)
    assert fan_out_mean_exponential(100, 10.0) == rounded(51.87, 2)


def test_chain_and_quorum() -> None:
    leaf = exponential_quantile(1.0)
    assert chain_quantile_exponential(3, 0.99, 1.0) == rounded(8.406, 3)
    assert chain_quantile_exponential(10, 0.99, 1.0) == rounded(18.78, 2)
    assert quorum_quantile(3, 5, 0.99, leaf) == rounded(2.2477, 4)
    assert quorum_quantile(4, 7, 0.99, leaf) == rounded(1.950, 3)
    assert quorum_quantile(2, 3, 0.99, leaf) == rounded(2.832, 3)
    assert quorum_mean_exponential(3, 5, 1.0) == rounded(0.7833, 4)


def test_fork_join_lies_between_its_bounds() -> None:
    alone = fork_join_mean(1, 0.8, 1.0)
    assert alone == pytest.approx(5.0)
    for stations in (2, 8, 32):
        joined = fork_join_mean(stations, 0.8, 1.0)
        assert alone < joined < fan_out_mean_exponential(stations, alone)


def test_hedging_exponential() -> None:
    def tail(time_s: float) -> float:
        return math.exp(-max(time_s, 0.0))

    delay = math.log(20.0)
    assert hedged_quantile(tail, delay, 0.99) == rounded(3.801, 3)
    assert hedged_quantile(tail, delay, 0.999) == rounded(4.952, 3)
    assert extra_requests(tail, delay) == pytest.approx(0.05)


def test_hedging_lognormal() -> None:
    tail = lognormal_tail(10.0, 1.0)
    delay = 10.0 * math.exp(1.6448536269514722)
    assert tail(102.4) == pytest.approx(0.01, rel=0.01)
    assert hedged_quantile(tail, delay, 0.99) == rounded(66.7, 1)
    assert hedged_quantile(tail, delay, 0.999) == rounded(93.1, 1)


def test_hedging_a_leaf_with_a_rare_slow_mode() -> None:
    tail = mixture_tail([(0.99, normal_tail(10.0, 2.0)), (0.01, normal_tail(100.0, 10.0))])
    assert hedged_quantile(tail, 1e9, 0.99) == rounded(25.96, 1)
    assert hedged_quantile(tail, 15.0, 0.99) == rounded(18.65, 2)
    assert hedged_quantile(tail, 1e9, 0.999) == rounded(112.8, 1)
    assert hedged_quantile(tail, 15.0, 0.999) == rounded(27.67, 2)
    assert extra_requests(tail, 15.0) == rounded(0.016, 3)


@pytest.mark.parametrize(
    ("load", "mean"),
    [(0.5, 1.2657), (0.7, 1.6145), (0.8, 1.9474), (0.9, 2.6141), (0.95, 3.3830), (0.99, 5.4320)],
)
def test_power_of_two(load: float, mean: float) -> None:
    assert mean_response(load) == rounded(mean, 4)


def test_power_of_other_choices() -> None:
    assert mean_response(0.99, 1) == pytest.approx(100.0)
    assert mean_response(0.99, 3) == rounded(3.8578, 4)
    assert queue_tail(0.9, 2, 3) == pytest.approx(0.9**7)
    assert mean_response(0.0) == 1.0
    assert mean_response(1.0) == math.inf


def test_bounds() -> None:
    assert open_capacity([0.1, 0.4], [1, 8]) == pytest.approx(10.0)
    assert utilizations(5.0, [0.1, 0.4], [1, 8]) == pytest.approx([0.5, 0.25])
    bound = closed_bounds(40, [1.0], 10.0)
    assert (bound.throughput_max, bound.response_min_s, bound.knee_users) == (1.0, 30.0, 11.0)
    assert kingman_wait(0.8, 1.0, 1.0, 1.0) >= MMc(0.8, 1.0).mean_wait_s
    assert kingman_wait(1.0, 1.0, 1.0, 1.0) == math.inf


def test_closed_loop_hides_the_queue() -> None:
    # Coordinated omission: one closed user never waits, an open stream at the same load does.
    alone = exponential_quantile(0.1)(0.99)
    assert alone == rounded(0.4605, 4)
    assert MMc(8.0, 10.0).response_quantile(0.99) == rounded(2.303, 3)
    mean_between = machine_repair(10, 0.1, 0.1 * 0.2 + 9 * 0.1 / 0.8)
    assert 0.1 < mean_between < MMc(8.0, 10.0).mean_response_s


def test_laws() -> None:
    assert mean_in_system(8.0, 0.5) == 4.0
    assert concurrency_needed(100.0, 0.2, 0.5) == pytest.approx(40.0)
    assert little_residual(4.0, 8.0, 0.5) == 0.0
    assert little_residual(5.0, 8.0, 0.5) == pytest.approx(0.2)
    assert utilization_residual(0.0, 0.0, 0.1) == 0.0
