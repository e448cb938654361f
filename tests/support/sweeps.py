"""Small sweeps and simulated trials, made in one line."""

from pathlib import Path
from typing import Any

import yaml

from sweeper.execution.dispatcher import Dispatcher, Workplace
from sweeper.execution.listener import Listener, Silent
from sweeper.execution.simulator import simulate
from sweeper.search import Sweep, TrialRecord
from sweeper.search.replica import Replica
from sweeper.spec import Spec, parse_spec
from sweeper.training.simulated import Metric, Metrics, Simulation, nothing_else

TWO_ARMS = {
    "choose": {
        "fc": {"hidden": {"int": [64, 512], "log": True}, "layers": {"int": [1, 3]}},
        "conv": {"channels": {"int": [8, 64], "log": True}, "layers": {"int": [1, 2]}},
    }
}


def make_spec(epochs: int = 9, *, backbone: Any = None, lr: Any = None, **sweep: Any) -> Spec:
    """Return a sweep over two backbones; keywords change its ``sweep`` section."""
    section = {
        "arms": "model.backbone",
        "trials": 12,
        "stopping": {"name": "asha", "grace": 1, "factor": 3},
        "finals": {"top": 1, "seeds": 2},
        "evaluation": {"every": 1, "images": 100},
        **sweep,
    }
    content = {
        "name": "test",
        "data": {"name": "digits"},
        "model": {"name": "vae", "latent_dim": {"choice": [2, 4, 8]}, "backbone": backbone or TWO_ARMS},
        "objective": {"name": "elbo"},
        "training": {
            "epochs": epochs,
            "batch_size": 64,
            "optimizer": {"name": "adam", "lr": lr or {"float": [1e-4, 1e-2], "log": True}},
        },
        "sweep": {key: value for key, value in section.items() if value is not None or key == "finals"},
    }
    return parse_spec(yaml.safe_dump(content, sort_keys=False))


def quality(config: dict[str, Any], seed: int, epoch: int) -> float:
    """Return a made-up loss that falls with epochs, is best at lr 1e-3, and differs a little by seed."""
    lr = config["training"]["optimizer"]["lr"]
    return 20 + abs(lr - 1e-3) * 1e3 + 10 / epoch + (seed % 1000) / 1e4


def simulated(
    spec: Spec,
    folder: Path,
    *,
    metric: Metric = quality,
    beside: Metrics = nothing_else,
    workers: int = 1,
    listener: Listener | None = None,
    replica: Replica | None = None,
) -> list[TrialRecord]:
    """Run ``spec`` in ``folder`` on the simulator to its end; return its trials."""
    (folder / "trials").mkdir(exist_ok=True)
    sweep = Sweep(spec, folder, workers, replica)
    place = Workplace(folder, data_dir=None, workers=workers, device="cpu")
    simulate(Dispatcher(sweep, spec, place, listener or Silent()), Simulation(metric, beside))
    return sweep.records()
