"""A sweep's folder written by hand, step by step, as a driver and its workers write it."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState
from PIL import Image

from sweeper.curve_line import Line
from sweeper.search import trial_folder
from sweeper.search.storage import open_storage, open_study

if TYPE_CHECKING:
    import optuna

YAML = """\
name: {name}
question: Is a convolutional VAE worse than a fully connected one?
data: {{name: digits}}
model:
  name: vae
  latent_dim: {{choice: [2, 4, 8]}}
  backbone: {{choose: {{fc: {{hidden: 32}}, conv: {{channels: 8}}}}}}
objective: {{name: elbo}}
training: {{epochs: 3, batch_size: 64}}
sweep: {{trials: 4, arms: model.backbone, finals: {{top: 1, seeds: 1}}}}
"""
BEGIN = 1_763_700_000
"""Seconds since 1970 of the first epoch."""
IMAGES = 1297
METRICS = ("train/loss", "train/reconstruction", "train/kl", "val/nll")

_STATES = {"pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


class Folder:
    """The folder of a sweep over two arms."""

    def __init__(self, home: Path, name: str = "tracked") -> None:
        self.name = name
        self.path = home / f"{name}-20251121-a1b2c3"
        self.path.mkdir(parents=True)
        (self.path / "sweep.yaml").write_text(YAML.format(name=name))
        self._storage = open_storage(self.path)
        self._trials: dict[int, tuple[optuna.Study, optuna.Trial, Path]] = {}

    def begin(self, arm: str = "fc", phase: Any = "search", source: int | None = None) -> int:
        """Begin a trial; return its number."""
        number = len(self._trials)
        study = open_study(self._storage, phase, arm, "minimize")
        origin = {} if source is None else {"source": source}
        study.enqueue_trial({}, user_attrs={"number": number, "seed": 100 + number, **origin})
        trial = study.ask()
        latent_dim = trial.suggest_categorical("model.latent_dim", [2, 4, 8])
        config = {
            "data": {"name": "digits"},
            "model": {"name": "vae", "latent_dim": latent_dim, "backbone": {"name": arm, "sizes": [1, 2]}},
            "training": {"epochs": 3, "lr": 1e-5, "schedule": None, "shuffle": True},
        }
        trial.set_user_attr("config", config)
        path = self.path / "trials" / trial_folder(number, arm, config)
        path.mkdir(parents=True)
        (path / "config.yaml").write_text(json.dumps(config))
        self._trials[number] = (study, trial, path)
        return number

    def trial(self, number: int) -> Path:
        """Return the folder of a trial."""
        return self._trials[number][2]

    def epochs(self, number: int, *epochs: int, value: float | None = None) -> None:
        """Append the lines of epochs to a trial's curve, and report them to the study."""
        _, trial, _ = self._trials[number]
        for epoch in epochs:
            nll = 100.0 / epoch + number if value is None else value
            self.write(number, line(epoch, dict.fromkeys(METRICS, nll)))
            trial.report(nll, epoch * IMAGES)

    def write(self, number: int, text: str) -> None:
        """Append text to a trial's curve."""
        with (self.trial(number) / "metrics.jsonl").open("a") as file:
            file.write(text)

    def picture(self, number: int, kind: str, epoch: int, shade: int = 0) -> Path:
        """Draw a picture of an epoch, all in one shade of grey; return its file."""
        path = self.trial(number) / "pictures" / kind / f"{epoch:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (466, 116), shade).save(path)
        return path

    def judge(self, number: int, signs: dict[str, str], keys: dict[str, dict[str, str]]) -> None:
        """Tell the study the signs of a trial, and the parts of its comparability keys."""
        _, trial, _ = self._trials[number]
        trial.set_user_attr("signs", signs)
        trial.set_user_attr("keys", keys)

    def end(self, number: int, state: str = "complete", reason: str | None = None) -> None:
        """Leave a trial's artifacts and tell the study its end."""
        study, trial, path = self._trials[number]
        (path / "best").mkdir()
        (path / "best" / "model.safetensors").write_bytes(b"weights" * 10)
        (path / "samples.png").write_bytes(b"picture")
        if state == "failed":
            (path / "error.txt").write_text("Traceback: out of luck")
        if reason:
            trial.set_user_attr("reason", reason)
        if state == "complete":
            study.tell(trial, min(trial.storage.get_trial(trial._trial_id).intermediate_values.values()))
        else:
            study.tell(trial, state=_STATES[state])


def line(epoch: int, metrics: dict[str, float], later: float = 0.0) -> str:
    """Return a line of a curve, written ``later`` seconds after its epoch ended."""
    milliseconds = round(1000 * (BEGIN + epoch + 0.25 + later))
    return Line(epoch, epoch * IMAGES, epoch / 2 + later, milliseconds, metrics).to_text()


def unfold(folder: Folder) -> Iterator[None]:
    """Yield between the steps of a sweep with trials in every state that ends one, and a final."""
    folder.epochs(folder.begin("fc"), 1, 2, 3)
    yield
    folder.end(0)
    folder.epochs(folder.begin("conv"), 1)
    yield
    folder.end(1, "pruned", reason="stopped by asha after epoch 1")
    folder.epochs(folder.begin("fc"), 1)
    yield
    folder.epochs(2, 2, value=math.nan)
    folder.end(2, "failed", reason="RuntimeError: out of luck")
    folder.epochs(folder.begin("conv"), 1, 2, 3)
    yield
    folder.end(3)
    folder.epochs(folder.begin("conv", "finals", source=3), 1, 2)
    yield
    folder.epochs(4, 3, value=20.0)
    folder.write(4, line(3, {"test/nll": 31.5}, later=7.5))
    folder.end(4)
    (folder.path / "verdict.txt").write_text("not distinguishable yet\n")


def finished(home: Path, name: str = "tracked") -> Folder:
    """Return the sweep that `unfold` comes to."""
    folder = Folder(home, name)
    for _ in unfold(folder):
        pass
    return folder
