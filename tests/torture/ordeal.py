"""A sweep that is killed as planned and gone on with until it has finished; and what was not as it should be."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from signal import SIGKILL

from living import kill
from moments import Expected, Moment, Plan, Target, moment_of
from sight import Sight
from subject import Call, Subject
from watch import Awaited, Watch

TICK = 0.001
"""Seconds between two looks at the files."""
GONE = 180.0
"""Seconds for which a process may outlive the command that has started it: Ray's agents start slowly, and only look
after whose they are when they have."""
STUCK = 300.0
"""Seconds for which a command may print nothing and write nothing into the journal."""
MOST_ENDS = 3
"""So many commands may end as they should not before the sweep is given up."""


@dataclass
class Struck:
    """A kill, and what came of it."""

    target: Target
    moment: str
    seconds: float
    """Since the sweep was begun."""
    running: str = ""
    recovered: float | None = None
    """Seconds until the journal grew again, of the mirror until there was another; or until the sweep had finished."""
    gone: float | None = None
    """Seconds until nothing was left of the processes of a driver that was killed."""


class Ordeal:
    """One sweep, from its beginning to its end, through all its kills."""

    def __init__(self, subject: Subject, plans: Sequence[Plan], expected: Expected) -> None:
        self.sight = Sight(subject.home)
        self.kills: list[Struck] = []
        self.faults: list[str] = []
        """What was not as it should be, one line each."""
        self.synchronised = False
        """Whether `sweeper sync` had to send what the sweep had not."""
        self._subject, self._plans, self._expected = subject, plans, expected
        self._watch = Watch(self.faults)
        self._ends = 0
        self._over = False

    def undergo(self, tell: Callable[[Struck], None]) -> float:
        """Run the sweep to its end; call ``tell`` with each kill when it is made; return the seconds it took."""
        self._began = time.monotonic()
        self._turn_to(self._subject.begin())
        try:
            self._strike_all(tell)
            self._until(lambda: False)
            seconds = time.monotonic() - self._began
            self._synchronise()
            self._leave(self._call, lambda _: None)
            while not self._watch.over:
                self._watch.look()
                time.sleep(TICK)
            return seconds
        finally:
            for call in self._subject.calls:
                call.end()

    def _strike_all(self, tell: Callable[[Struck], None]) -> None:
        starting = True
        for index, plan in enumerate(self._plans):
            kills_left = len(self._plans) - index
            struck = self._strike(plan, moment_of(plan, self.sight, kills_left, self._expected, starting=starting))
            if struck is None:
                return
            self.kills.append(struck)
            tell(struck)
            starting = struck.target == "driver"

    def _strike(self, plan: Plan, moment: Moment) -> Struck | None:
        """Wait for the moment and kill; return what was done, ``None`` where the sweep had finished before."""
        self._victim: int | None = None
        while self._until(lambda: self._aimed(plan.target) and moment.reached()):
            victim, self._victim = self._victim, None
            if victim is not None and kill(victim, SIGKILL):
                struck = Struck(plan.target, str(moment), time.monotonic() - self._began)
                self._after(struck, victim)
                return struck
        return None

    def _aimed(self, target: Target) -> bool:
        """Say whether it is known which process to kill."""
        if self._victim is None or self._looked:
            self._victim = self._call.victim(target)
        return self._victim is not None

    def _after(self, struck: Struck, victim: int) -> None:
        """Await that the sweep recovers; a driver that was killed is followed by another one at once."""
        call, lines = self._call, self.sight.lines
        if struck.target == "driver":
            call.wait()
            self._leave(call, partial(setattr, struck, "gone"))
            self._go_on()
        struck.running = self.sight.running()

        def recovered() -> bool:
            moves = (
                self._call.victim("mirror") not in (None, victim)
                if struck.target == "mirror"
                else self.sight.lines > lines
            )
            return moves or self._over

        self._watch.add(Awaited(recovered, partial(setattr, struck, "recovered")))

    def _leave(self, call: Call, then: Callable[[float], None]) -> None:
        """Await that none of a command's processes lives."""

        def left() -> str:
            return f"{call.words}: left are {', '.join(call.living.all().values())}"

        self._watch.add(Awaited(lambda: not call.living.all(), then, GONE, left))

    def _until(self, condition: Callable[[], bool]) -> bool:
        """Wait; return whether the condition came true before the sweep had finished."""
        self._looked = True
        while not condition():
            self._looked = self._watch.look()
            self._over = self._has_finished()
            if self._over:
                return False
            time.sleep(TICK)
        return True

    def _has_finished(self) -> bool:
        """Say whether the sweep has; where its command has ended otherwise or hangs, go on with another."""
        code, hangs = self._call.code, self._looked and self._hangs()
        if code == 0 or (code is None and not hangs):
            return code == 0
        self.faults.append(f"{self._call.words}: {'hangs' if hangs else f'ended with {code}'}; see {self._call.output}")
        self._ends += 1
        if self._ends > MOST_ENDS:
            raise RuntimeError("\n".join(self.faults))
        self._call.end()
        self._go_on()
        return False

    def _hangs(self) -> bool:
        moved = self.sight.lines, self._call.output.stat().st_size
        if moved != self._moved:
            self._moved, self._moved_at = moved, time.monotonic()
        return time.monotonic() - self._moved_at > STUCK

    def _go_on(self) -> None:
        self._turn_to(self._subject.begin() if self.sight.folder is None else self._subject.go_on())

    def _turn_to(self, call: Call) -> None:
        self._call, self._moved, self._moved_at = call, (0, 0), time.monotonic()

    def _synchronise(self) -> None:
        """Send what the sweep says that MLflow lacks, as it tells its user to."""
        if "sweeper sync" not in self._call.said:
            return
        self.synchronised = True
        call = self._subject.sync()
        if code := call.wait(STUCK):
            self.faults.append(f"{call.words}: ended with {code}; see {call.output}")
