"""The settings of a sweep, the section `sweep` of its file: metric, budget, algorithms, finals and resources."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from sweeper.spec.algorithms import ASHAStopping, NoStopping, SearchSettings, StoppingSettings, TPESearch
from sweeper.spec.quantities import QUANTITY, parse_quantity
from sweeper.spec.resources import Resources
from sweeper.spec.section import Amount, AmountOrNone, AutoOrCount, Count, CountOrAll, Section, rule_broken
from sweeper.spec.study import ALLOWED, parse_study_url

Direction: TypeAlias = Literal["minimize", "maximize"]

_USUAL: dict[str, Direction] = {
    "nll": "minimize",
    "error": "minimize",
    "completion_error": "minimize",
    "fld": "minimize",
    "kid": "minimize",
    "loss": "minimize",
    "accuracy": "maximize",
    "coverage": "maximize",
    "cas": "maximize",
}
"""Metrics, whatever the split, whose direction is beyond doubt; the sign of a bound is not, so `elbo` is not here."""


class Budget(Section):
    """What the search may spend, whichever is spent first.

    Attributes:
        hours: hours for which each of the workers may train; those in which a sweep is interrupted do not count.
        usd: US dollars.
        usd_per_hour: what an hour of all machines together costs.

    """

    hours: AmountOrNone = None
    usd: AmountOrNone = None
    usd_per_hour: AmountOrNone = None

    @model_validator(mode="after")
    def _is_limited(self) -> Self:
        if self.hours is None and self.usd is None:
            raise rule_broken(None, "limits nothing; must have hours, or usd with usd_per_hour")
        if self.usd is not None and self.usd_per_hour is None:
            raise rule_broken("usd", "found usd without usd_per_hour; must have both")
        return self


class Evaluation(Section):
    """How often and how precisely trials are measured; what is left to `auto` is planned before a sweep begins.

    Attributes:
        every: epochs between two measurements; auto for the grace of the stopping rule, or for a tenth of the epochs.
        images: the first so many validation images are measured; None for all of them, auto for as many, at most 1000,
            as can be measured in the share.
        share: the part of a trial's time that measuring may take if the images are chosen by auto.
        k: importance samples per validation image of the bound that ranks latent-variable models (Burda et al. 2016).
        final_k: samples per test image in the finals.
        final_images: the first so many test images are measured in the finals; None for all of them.

    """

    every: AutoOrCount = "auto"
    images: Annotated[Literal["auto"] | CountOrAll, Field(description='"auto", an integer >= 1, or null for all')] = (
        "auto"
    )
    share: Annotated[float, Field(gt=0, lt=1, description="a number > 0 and < 1")] = 0.2
    k: Count = 100
    final_k: Count = 5000
    final_images: CountOrAll = None


class Finals(Section):
    """The best of each arm, trained again in full.

    Attributes:
        top: configurations of each arm.
        seeds: fresh seeds for each configuration.

    """

    top: Count = 2
    seeds: Count = 3


class Failures(Section):
    """When a trial counts as one that hangs, and an arm as one that is broken.

    Attributes:
        hang: a trial hangs that has not reported for so many times its longest time between two reports until then.
        patience: seconds of silence that are no hang, however short those times were.
        arm: an arm of which the first so many trials have all failed begins no further one.

    """

    hang: Annotated[float, Field(gt=1, description="a number > 1")] = 20.0
    patience: Amount = 600.0
    arm: Count = 5


class Checkpoints(Section):
    """Which checkpoints are kept while a sweep runs and after it.

    Attributes:
        best_of_sweep: so many ended trials keep their best weights; None for all. What `export` takes is kept as well.
        best_of_trial: of each of them the weights of so many best epochs.
        last: whose state to go on from is kept: that of running trials, or of all.
        quota: bytes that all checkpoints of the sweep together may take, as "500 MiB"; None for no limit.

    """

    best_of_sweep: CountOrAll = 5
    best_of_trial: Count = 1
    last: Annotated[Literal["running", "all"], Field(description="running or all")] = "running"
    quota: Annotated[str | None, Field(pattern=QUANTITY.pattern, description='such as "500 MiB", or null')] = None

    @property
    def quota_bytes(self) -> int | None:
        """The quota in bytes."""
        return None if self.quota is None else parse_quantity(self.quota)


class SweepSettings(Section):
    """Everything in the section `sweep`.

    Attributes:
        metric: what trials are ranked by, `split/name`.
        mode: whether less or more of the metric is better; None where that follows from its name.
        arms: dotted path of the `choose` or the choice whose branches compete on an equal budget, None for one arm.
        trials: how many trials the search runs in all, None if a budget limits it.
        budget: what the search may spend, None if trials limits it.
        seed: everything random in the sweep derives from it.
        search: how configurations are picked.
        stopping: how poor trials are stopped early.
        finals: how the best are trained again; None for no finals.
        evaluation: how often and how precisely trials are measured.
        checkpoints: which checkpoints are kept.
        failures: when a trial counts as one that hangs, and an arm as one that is broken.
        resources: what one trial occupies.
        workers: trials at once; auto for as many as the resources allow.
        study: URL of the PostgreSQL database that the study is in, without a password; None for the sweep's own place.

    """

    metric: Annotated[str, Field(pattern=r"^[^\s/]+/[^\s/]+$", description="a split and a name, such as val/nll")] = (
        "val/nll"
    )
    mode: Annotated[Direction | None, Field(description="minimize or maximize")] = None
    arms: Annotated[str | None, Field(description="the dotted path of a choose or a choice")] = None
    trials: Annotated[int | None, Field(ge=1, description="an integer >= 1")] = None
    budget: Budget | None = None
    seed: Annotated[int, Field(ge=0, description="an integer >= 0")] = 0
    search: SearchSettings = TPESearch()
    stopping: StoppingSettings = ASHAStopping()
    finals: Finals | None = Finals()
    evaluation: Evaluation = Evaluation()
    checkpoints: Checkpoints = Checkpoints()
    failures: Failures = Failures()
    resources: Resources = Resources()
    workers: AutoOrCount = "auto"
    study: Annotated[str | None, Field(description="the URL of a PostgreSQL database, or null")] = None

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.trials is None) == (self.budget is None):
            found = "neither" if self.trials is None else "both"
            raise rule_broken(None, f"found {found} of trials and budget; must be exactly one (null unsets)")
        if self.mode is None and _measure(self.metric) not in _USUAL:
            known = ", ".join(_USUAL)
            raise rule_broken("mode", f"is missing; must be minimize or maximize, as {self.metric} is none of {known}")
        return self

    @model_validator(mode="after")
    def _is_measured_where_the_stopping_rule_looks(self) -> Self:
        every = self.evaluation.every
        if every != "auto" and not isinstance(self.stopping, NoStopping) and self.stopping.grace % every:
            allowed = f"must divide {self.stopping.grace}, the grace of the stopping rule, lest that decide late"
            raise rule_broken("evaluation.every", f"found {every}; {allowed}")
        return self

    @model_validator(mode="after")
    def _has_a_study_without_a_password(self) -> Self:
        parsed = None if self.study is None else parse_study_url(self.study)
        if self.study is not None and parsed is None:
            raise rule_broken("study", f"found another URL, which is not shown as it may hold a password; {ALLOWED}")
        if parsed is not None and parsed.secrets:
            must = "must be without: give it by SWEEPER_STUDY (the whole URL), PGPASSWORD or PGPASSFILE"
            raise rule_broken("study", f"found a password; {must}")
        return self

    @property
    def direction(self) -> Direction:
        """Whether less or more of the metric is better."""
        return self.mode or _USUAL[_measure(self.metric)]

    @property
    def test_metric(self) -> str:
        """The same metric on the test set: ``test/nll`` for ``val/nll``."""
        return "test/" + self.metric.partition("/")[2]

    @property
    def sign(self) -> float:
        """The factor that makes smaller values of the metric better ones."""
        return 1.0 if self.direction == "minimize" else -1.0


def _measure(metric: str) -> str:
    return metric.rpartition("/")[2]
