"""What one trial occupies, by arm: the section `sweep.resources`. No result depends on it but for `threads`."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from sweeper.spec.accelerators import ACCELERATORS, ANY
from sweeper.spec.section import Amount, AmountOrNone, Section, rule_broken
from sweeper.spec.values import shown

AUTO = "auto"


def _divisible(gpu: float) -> float:
    """Return a number of GPUs that Ray hands out: a part of one, or whole ones."""
    if gpu > 1 and not gpu.is_integer():
        raise ValueError
    return gpu


_GPUS: TypeAlias = Annotated[float, Field(ge=0), AfterValidator(_divisible)]
_GPUS_ALLOWED = '"auto", a number from 0 to 1, or a whole one'
GPU: TypeAlias = Literal["auto"] | _GPUS


class ArmResources(Section):
    """What one trial of an arm occupies otherwise than those of other arms; None for what is the same.

    Attributes:
        cpu: processor cores.
        gpu: accelerators, or a part of one.
        accelerator: which one.

    """

    cpu: AmountOrNone = None
    gpu: Annotated[GPU | None, Field(description=f"{_GPUS_ALLOWED}, or null")] = None
    accelerator: Annotated[str | None, Field(description="any, or a name such as H100, or null")] = None

    @model_validator(mode="after")
    def _names_an_accelerator(self) -> Self:
        _check_accelerator(self.accelerator or ANY)
        return self


class Resources(Section):
    """What one trial occupies.

    Attributes:
        cpu: processor cores.
        gpu: accelerators, or a part of one, where there are any; auto for the part that is measured to serve best.
        accelerator: which one: any, or a name of `ACCELERATORS`.
        arms: what is different for the trials of an arm.

    """

    cpu: Amount = 1.0
    gpu: Annotated[GPU, Field(description=_GPUS_ALLOWED)] = 0.0
    accelerator: Annotated[str, Field(description="any, or a name such as H100")] = ANY
    arms: Annotated[Mapping[str, ArmResources], Field(description="a mapping of arms to what their trials occupy")] = {}

    @model_validator(mode="after")
    def _names_accelerators_that_are_used(self) -> Self:
        _check_accelerator(self.accelerator)
        if self.accelerator != ANY and self.gpu == 0 and all(self.of(arm).gpu == 0 for arm in self.arms):
            raise rule_broken("accelerator", _unused(self.accelerator))
        for arm, own in self.arms.items():
            if own.accelerator not in (None, ANY) and self.of(arm).gpu == 0:
                raise rule_broken(f"arms.{arm}.accelerator", _unused(own.accelerator))
        return self

    @property
    def threads(self) -> int:
        """Cores that a trial computes on: whole ones, at least one."""
        return max(1, int(self.cpu))

    def of(self, arm: str) -> "Resources":
        """Return what a trial of one arm occupies."""
        own = self.arms.get(arm, ArmResources())
        different = {name: value for name, value in own if value is not None}
        merged = self.model_copy(update={**different, "arms": {}})
        return merged.model_copy(update={"accelerator": ANY}) if merged.gpu == 0 else merged


def _check_accelerator(name: str) -> None:
    if name != ANY and name not in ACCELERATORS:
        near = get_close_matches(name.upper(), ACCELERATORS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        allowed = "must be any, or an accelerator as Ray names it, such as A10G, L4 or H100"
        raise rule_broken("accelerator", f"found {shown(name)}; {allowed}{hint}")


def _unused(accelerator: str | None) -> str:
    return f"found {shown(accelerator)} where gpu is 0; must be any, or gpu more than 0 or auto"
