"""Protects that a sweep follows its cluster: as many trials at once as there is room for, and more room asked for."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.sweeps import make_spec

from sweeper.execution import demand
from sweeper.execution.capacity import Capacity
from sweeper.execution.cluster_machines import LOOK_SECONDS, ClusterMachines
from sweeper.execution.demand import MOST, Demand
from sweeper.execution.dispatcher import Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.losses import Loss
from sweeper.execution.placement import Placement
from sweeper.search import Sweep
from sweeper.training.job import EpochResult

HEAD = {"CPU": 0.0}
FOUR = {"CPU": 4.0}


class Cluster:
    """A cluster whose nodes a test changes, its clock, and what was asked of it."""

    def __init__(self, *nodes: Mapping[str, float]) -> None:
        self.nodes = list(nodes)
        self.now = 0.0
        self.asked: list[tuple[float, Mapping[str, float]]] = []

    def look(self) -> Capacity:
        return Capacity.of([HEAD, *self.nodes])

    def put(self, trials: float, share: Mapping[str, float]) -> None:
        self.asked.append((trials, share))

    def later(self) -> None:
        self.now += LOOK_SECONDS

    def machines(self, **sweep: Any) -> ClusterMachines:
        placement = Placement.of(make_spec(**sweep))
        return ClusterMachines(placement, self.look, self, lambda: self.now)  # type: ignore[arg-type]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(FOUR)


class TestRoom:
    def test_it_follows_nodes_that_join_and_leave(self, cluster: Cluster) -> None:
        machines = cluster.machines(resources={"cpu": 2})
        assert machines.room() == 2
        cluster.nodes.append(FOUR)
        assert machines.room() == 2, "it is looked at every few seconds only"
        cluster.later()
        assert machines.room() == 4
        cluster.nodes.clear()
        cluster.later()
        assert machines.room() == 1, "one trial waits, and with it Ray is asked for a node"

    def test_it_is_no_more_than_the_sweep_file_allows(self, cluster: Cluster) -> None:
        assert cluster.machines(workers=3).room() == 3
        assert cluster.machines(workers=9).room() == 4


class TestAsking:
    @pytest.mark.parametrize(("workers", "due", "asked"), [(9, 20, 5), (9, 2, 2), (4, 20, 0), ("auto", 20, 20)])
    def test_it_asks_for_what_is_due_within_what_is_allowed(
        self, cluster: Cluster, workers: int | str, due: float, asked: float
    ) -> None:
        machines = cluster.machines(workers=workers)
        cluster.later()
        machines.ask(lambda: due)
        machines.ask(lambda: pytest.fail("it is asked every few seconds only"))
        assert cluster.asked == [(asked, {"CPU": 1.0, "GPU": 0.0})]

    def test_a_cluster_without_a_worker_is_waited_for_and_asked_for_one(self, cluster: Cluster) -> None:
        cluster.nodes.clear()
        lines: list[str] = []

        def pause(seconds: float) -> None:
            assert seconds == LOOK_SECONDS
            if len(cluster.asked) == 3:
                cluster.nodes.append({"CPU": 8.0, "GPU": 1.0})

        capacity = cluster.machines(resources={"cpu": 2, "gpu": 0.5}).first(lines.append, pause)
        assert capacity.machines[1:] == ({"CPU": 8.0, "GPU": 1.0},)
        assert cluster.asked == 3 * [(1, {"CPU": 2.0, "GPU": 0.5})] + [(0, {"CPU": 2.0, "GPU": 0.5})]
        assert lines == ["no machine of the cluster can run a trial; waiting for one"]


class Group:
    """A placement group of Ray's."""

    def __init__(self, bundles: list[Mapping[str, float]]) -> None:
        self.bundles = bundles
        self.found = False

    def wait(self, seconds: float) -> bool:
        assert seconds == 0
        return self.found


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[Group]:
    """Those that Ray has at the moment."""
    groups: list[Group] = []

    def make(bundles: list[Mapping[str, float]]) -> Group:
        groups.append(Group(bundles))
        return groups[-1]

    monkeypatch.setattr(demand, "placement_group", make)
    monkeypatch.setattr(demand, "remove_placement_group", groups.remove)
    return groups


class TestDemand:
    SHARE: Mapping[str, float] = {"CPU": 1.0, "GPU": 0.0}

    def test_it_is_for_as_many_trials_as_was_said_last(self, groups: list[Group]) -> None:
        demand = Demand()
        for trials in (3, 5, 2, 0):
            demand.put(trials, self.SHARE)
            assert [group.bundles for group in groups] == trials * [[{"CPU": 1.0}]]
        demand.put(math.inf, self.SHARE)
        assert len(groups) == MOST

    def test_room_that_was_found_is_left_to_the_trials(self, groups: list[Group]) -> None:
        """Asked for again at once, it might be found again before a trial takes it."""
        demand = Demand()
        demand.put(3, self.SHARE)
        groups[1].found = True
        demand.put(3, self.SHARE)
        assert [group.found for group in groups] == [False, False]
        demand.put(3, self.SHARE)
        assert len(groups) == 3


class Room:
    """Machines whose room a test changes."""

    def __init__(self, trials: int) -> None:
        self.trials = trials
        self.asked: list[float] = []

    def room(self) -> int:
        return self.trials

    def ask(self, waiting: Callable[[], float]) -> None:
        self.asked.append(waiting())


def done(dispatcher: Dispatcher, number: int) -> None:
    dispatcher.take(number, EpochResult(9, 900, 9.0, {"val/nll": 1.0}, done=True))


class TestDispatcher:
    @pytest.fixture
    def room(self) -> Room:
        return Room(2)

    @pytest.fixture
    def dispatcher(self, room: Room, tmp_path: Path) -> Dispatcher:
        (tmp_path / "trials").mkdir()
        spec = make_spec(stopping="none", trials=6, finals={"top": 1, "seeds": 1})
        place = Workplace(tmp_path, data_dir=None, workers=2, device="cpu", machines=room)
        return Dispatcher(Sweep(spec, tmp_path, 2), spec, place, Silent())

    def out(self, dispatcher: Dispatcher) -> list[int]:
        """Return the numbers of the jobs that are handed out now."""
        numbers = []
        while (job := dispatcher.next()) is not None:
            numbers.append(job.number)
        return numbers

    def test_no_trial_is_chosen_before_there_is_room_for_it(self, dispatcher: Dispatcher, room: Room) -> None:
        assert self.out(dispatcher) == [0, 1]
        room.trials = 4
        assert self.out(dispatcher) == [2, 3]
        room.trials = 3
        done(dispatcher, 0)
        assert self.out(dispatcher) == []

    def test_what_a_lost_node_has_left_comes_before_anything_new(self, dispatcher: Dispatcher, room: Room) -> None:
        room.trials = 3
        self.out(dispatcher)
        room.trials = 2
        dispatcher.take_loss(1, Loss("node", "its node has died"))
        assert self.out(dispatcher) == []
        done(dispatcher, 0)
        assert self.out(dispatcher) == [1]

    def test_it_asks_for_room_for_what_could_begin_or_go_on(self, dispatcher: Dispatcher, room: Room) -> None:
        self.out(dispatcher)
        dispatcher.take_loss(1, Loss("node", "its node has died"))
        room.trials = 1
        self.out(dispatcher)
        assert room.asked == [4, 5]
        room.trials = 9
        assert self.out(dispatcher) == [1, 2, 3, 4, 5]
        assert room.asked[-1] == 0
        dispatcher.hold()
        assert room.asked[-1] == 0
        for number in range(6):
            done(dispatcher, number)
        room.trials = 0
        self.out(dispatcher)
        assert room.asked[-1] == 2, "the finals"
