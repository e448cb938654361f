"""Asking Ray for room for trials that are not chosen yet, so that a cluster that can grow does.

Ray's autoscaler starts machines for what waits. A trial is better chosen when there is room for it, with all results
known by then; what waits in its place are placement groups, which hold the share of a trial each and run nothing. Ray
removes them when the driver ends, however that ends.
"""

from collections.abc import Mapping

from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group

MOST = 64
"""Room is asked for so many trials at a time, and for more once there are machines for these."""


class Demand:
    """What has been asked for and not been found."""

    def __init__(self) -> None:
        self._groups: list[PlacementGroup] = []

    def put(self, trials: float, share: Mapping[str, float]) -> None:
        """Ask for room for so many trials of ``share`` in all, instead of what was asked for before.

        Room that was found meanwhile is given back first: it is for the trials, and they take it before more is asked
        for the next time.
        """
        found = [group for group in self._groups if group.wait(0)]
        wanted = int(min(trials, MOST))
        waiting = [group for group in self._groups if group not in found]
        for group in found + waiting[wanted:]:
            remove_placement_group(group)
        self._groups = waiting[:wanted]
        if not found:
            bundle = {kind: amount for kind, amount in share.items() if amount}
            self._groups += [placement_group([bundle]) for _ in range(wanted - len(self._groups))]
