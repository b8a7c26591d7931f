"""Replicas with a queue each that come and go behind their balancer."""

from functools import partial

from simulator.kernel.door import Door
from simulator.kernel.outcome import Outcome
from simulator.kernel.request import Call, Flow, Request
from simulator.policies.balancing import Pick
from simulator.policies.farm import Farm
from simulator.policies.fleet import Gone, bring_in
from simulator.policies.replica import Replica
from simulator.policies.spot import Spot


class FarmFleet:
    """Lets replicas join a balancer and leave it.

    There is a place for twice the most replicas, as replacements may serve while those that leave
    finish their work. A replica that leaves gets no new requests; it is gone when the last of
    those inside has ended. The latest to join leaves first; the provider takes any.
    """

    def __init__(self, farm: Farm, workers: int, spot: Spot | None) -> None:
        self.farm = farm
        self.clock = farm.clock
        self.workers = workers
        self.notice_s = None if spot is None else spot.notice
        self.doors = {replica.station: Door() for replica in farm.replicas}
        self.leaving: dict[Replica, Gone] = {}

    def around(self, call: Call) -> Call:
        """The call on a replica, which can be broken off and is counted."""
        rooms = {station: door.gate(call) for station, door in self.doors.items()}
        replica_of, leaving = self.farm.by_station, self.leaving

        def inside(request: Request) -> Flow:
            station = request.station
            assert station is not None
            try:
                return (yield from rooms[station](request))
            finally:
                if leaving:
                    self._check(replica_of[station])

        return inside

    def at_the_gate(self, call: Call) -> Call:
        """The call, refused while there is no replica at all (Envoy: no healthy upstream)."""
        usable = self.farm.usable

        def admitted(request: Request) -> Flow:
            if not usable:
                return Outcome.REJECTED_OVERLOAD
            return (yield from call(request))

        return admitted

    def or_anyone(self, pick: Pick) -> Pick:
        """The choice; while there is no replica at all, a place without one, to wait for."""
        usable, anyone = self.farm.usable, self.farm.replicas[0].station
        return lambda request: pick(request) if usable else anyone

    def grow(self, over_s: float) -> None:
        """One more replica joins the balancer."""
        replicas = self.farm.replicas
        # One that a fault has withdrawn still has its workers, and will be back.
        replica = next(
            (one for one in replicas if not one.present and not one.station.servers), None
        )
        if replica is None:
            # Every place is held by one that leaves: the first of them stays instead.
            replica = next(iter(self.leaving))
            self.leaving.pop(replica)()
            replica.station.lost = 0
            replica.station.resize(0)
        self.farm.join(replica)
        bring_in(self.clock, replica.station, self.workers, over_s)

    def shrink(self, count: int, gone: Gone) -> None:
        """Replicas leave: those that a fault has withdrawn, then the latest."""
        present = sorted(self.farm.present, key=lambda replica: replica.joined_at)
        missing = self._withdrawn()[:count]
        stay = max(len(present) - (count - len(missing)), 0)
        for replica in [*missing, *present[stay:]]:
            self._leave(replica, gone)
        for _ in range(count - len(missing) - len(present)):
            gone()

    def take_back(self, count: int, gone: Gone) -> None:
        """The provider takes any replicas; what is inside at the end of the notice is lost."""
        for _ in range(count):
            present = self.farm.present or self._withdrawn()
            if not present:
                gone()
                continue
            replica = present[int(self.farm.uniform() * len(present))]
            self._leave(replica, gone)
            if self.notice_s is not None and replica in self.leaving:
                due = self.clock.now + self.notice_s
                self.clock.call_at(due, partial(self._lose, replica, self.leaving[replica]))

    def load(self) -> float:
        """Requests waiting and in work."""
        return sum(replica.station.in_system for replica in self.farm.replicas)

    def load_area(self) -> float:
        """Integral of the requests inside."""
        stations = [replica.station for replica in self.farm.replicas]
        return sum(station.busy_area() + station.queue_area() for station in stations)

    def busy_area(self) -> float:
        """Integral of busy workers."""
        return sum(replica.station.busy_area() for replica in self.farm.replicas)

    def servers_area(self) -> float:
        """Integral of all workers."""
        return sum(replica.station.servers_area() for replica in self.farm.replicas)

    def _withdrawn(self) -> list[Replica]:
        """The replicas that a fault keeps from their balancer for a while."""
        return [replica for replica in self.farm.replicas if replica.withdrawn]

    def _leave(self, replica: Replica, gone: Gone) -> None:
        replica.withdrawn = False
        self.leaving[replica] = gone
        self.farm.leave(replica)
        self._check(replica)

    def _check(self, replica: Replica) -> None:
        """Let a replica go that has nothing left to do."""
        gone = self.leaving.get(replica)
        if gone is not None and not self.doors[replica.station].inside:
            del self.leaving[replica]
            replica.station.lost = 0
            replica.station.resize(0)
            gone()

    def _lose(self, replica: Replica, gone: Gone) -> None:
        if self.leaving.get(replica) is gone:
            door = self.doors[replica.station]
            door.shut(break_off=True)
            door.open()
            self._check(replica)
