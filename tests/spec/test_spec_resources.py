"""Protects what a trial occupies: by arm, by accelerator, with one line for what no machine could give."""

from collections.abc import Callable

import pytest
from ray.util.accelerators import accelerators

from sweeper.errors import UsageError
from sweeper.spec import Resources, Spec, parse_spec
from sweeper.spec.accelerators import ACCELERATORS
from sweeper.spec.resources import ArmResources

PLACED = "{arms: model.a, trials: 4, resources: %s}"
MIXED = "{cpu: 2, gpu: auto, accelerator: H100, arms: {fc: {cpu: 1, gpu: 0}, conv: {accelerator: L4}}}"


def placed(make_spec: Callable[..., Spec], resources: str) -> Spec:
    return make_spec(model="{a: {choice: [fc, conv, draw]}}", sweep=PLACED % resources)


def test_the_names_are_those_of_ray_for_what_pytorch_calls_cuda() -> None:
    kinds = ("NVIDIA_", "AMD_")
    assert sorted(ACCELERATORS) == sorted(
        name for constant, name in vars(accelerators).items() if constant.startswith(kinds)
    )


def test_an_arm_has_its_own_and_for_the_rest_what_all_have(make_spec: Callable[..., Spec]) -> None:
    resources = placed(make_spec, MIXED).settings.resources
    assert resources.of("fc") == Resources(cpu=1, gpu=0)
    assert resources.of("conv") == Resources(cpu=2, gpu="auto", accelerator="L4")
    assert resources.of("draw") == Resources(cpu=2, gpu="auto", accelerator="H100")
    assert [resources.of(arm).threads for arm in ("fc", "conv")] == [1, 2]


def test_a_sweep_on_other_machines_is_the_same_sweep(make_spec: Callable[..., Spec]) -> None:
    assert len({placed(make_spec, text).digest for text in ("{}", "{cpu: 3}", MIXED)}) == 1


def test_resources_are_written_so_that_they_read_back(make_spec: Callable[..., Spec]) -> None:
    spec = placed(make_spec, MIXED)
    assert parse_spec(spec.to_yaml()) == spec
    assert spec.settings.resources.arms["fc"] == ArmResources(cpu=1, gpu=0)


@pytest.mark.parametrize("gpu", ["auto", "0", "0.25", "1", "4"])
def test_parts_of_a_gpu_and_whole_ones(make_spec: Callable[..., Spec], gpu: str) -> None:
    assert str(placed(make_spec, f"{{gpu: {gpu}}}").settings.resources.gpu).removesuffix(".0") == gpu


GPUS = 'must be "auto", a number from 0 to 1, or a whole one'
NAMED = "must be any, or an accelerator as Ray names it, such as A10G, L4 or H100"
REFUSED = [
    ("{gpu: 1.5}", f"gpu: found 1.5; {GPUS}"),
    ("{gpu: -1}", f"gpu: found -1; {GPUS}"),
    ("{gpu: some}", f'gpu: found "some"; {GPUS}'),
    ("{gpu: 1, accelerator: h100}", f'accelerator: found "h100"; {NAMED}; did you mean H100?'),
    ("{gpu: 1, accelerator: teapot}", f'accelerator: found "teapot"; {NAMED}'),
    ("{gpu: 1, accelerator: 3}", "accelerator: found 3; must be any, or a name such as H100"),
    (
        "{accelerator: H100}",
        'accelerator: found "H100" where gpu is 0; must be any, or gpu more than 0 or auto',
    ),
    ("{arms: [fc]}", 'arms: found ["fc"]; must be a mapping of arms to what their trials occupy'),
    ("{arms: {cnv: {gpu: 1}}}", 'arms.cnv: found "cnv"; must be one of fc, conv, draw; did you mean conv?'),
    ("{arms: {fc: 1}}", "arms.fc: found 1; must be a mapping of cpu, gpu, accelerator"),
    ("{arms: {fc: {gpus: 1}}}", 'arms.fc.gpus: found "gpus"; must be one of cpu, gpu, accelerator; did you mean gpu?'),
    ("{arms: {fc: {cpu: 0}}}", "arms.fc.cpu: found 0; must be a number > 0"),
    ("{arms: {fc: {gpu: 2.5}}}", f"arms.fc.gpu: found 2.5; {GPUS}, or null"),
    ("{arms: {fc: {gpu: 1, accelerator: A10}}}", f'arms.fc.accelerator: found "A10"; {NAMED}; did you mean A10G?'),
    (
        "{arms: {fc: {accelerator: L4}}}",
        'arms.fc.accelerator: found "L4" where gpu is 0; must be any, or gpu more than 0 or auto',
    ),
]


@pytest.mark.parametrize(("resources", "message"), REFUSED)
def test_what_no_machine_gives_is_refused_in_one_line(
    make_spec: Callable[..., Spec], resources: str, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        placed(make_spec, resources)
    assert str(raised.value).endswith(f": sweep.resources.{message}")
    assert "\n" not in str(raised.value)


def test_an_override_reaches_one_arm(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(
        "sweep.resources.arms.fc.gpu=0",
        model="{a: {choice: [fc, conv]}}",
        sweep="{arms: model.a, trials: 4, resources: {gpu: 1}}",
    )
    assert [spec.settings.resources.of(arm).gpu for arm in spec.arms] == [0, 1]
