"""Protects users from tracebacks and half-made sweeps: wrong input is one line and exit code 2, and writes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from calling import SMALL, Sweeper, call_console_script, check_complaint, contents

Refused = Callable[..., str]


def check_mentions(line: str, *fragments: str) -> None:
    missing = [fragment for fragment in fragments if fragment not in line]
    assert not missing, f"{missing} not in {line!r}"


# What is changed in the small file, then what the line must tell: where, what was found, what is allowed.
OVERRIDES = [
    # Names of components.
    ("model.name=vea", "model.name", "vea", "did you mean", "vae"),
    ("model.likelihood=bernouli", "model.likelihood", "bernouli", "did you mean", "bernoulli"),
    ("model.backbone.choose.fc.name=cnv", "model.backbone.fc.name", "cnv", "did you mean", "conv"),
    ("objective.name=iwa", "objective.name", "iwa", "did you mean", "iwae"),
    ("data.name=digit", "data.name", "digit", "did you mean", "digits"),
    ("training.optimizer.name=adm", "training.optimizer.name", "adm", "did you mean", "adam"),
    ("training.schedule=join", "training.schedule", "join", "did you mean", "joint"),
    ("model.name=3", "model", "3"),
    ("training.optimizer=null", "training.optimizer", "must be a name"),
    # Keys.
    ("model.latents=3", "model.latents", "did you mean", "latent_dim"),
    ("model.backbone.choose.fc.hiden=3", "model.backbone.fc.hiden", "did you mean", "hidden"),
    ("objective.beta=1", "objective.beta", "k"),
    ("training.epoch=3", "training.epoch:", "did you mean", "epochs"),
    ("data.valid=3", "data.valid:", "validation"),
    ("training.optimizer.momentum=0.9", "training.optimizer.momentum", "beta1"),
    # Types.
    ("model.latent_dim=2.5", "model.latent_dim", "2.5", "integer"),
    ("model.latent_dim=two", "model.latent_dim", "two", "integer"),
    ("training.epochs=true", "training.epochs", "integer"),
    ("training.optimizer.lr=fast", "training.optimizer.lr", "fast", "number"),
    ("model.backbone.choose.fc.hidden=[1, 0]", "model.backbone.fc.hidden", "[1, 0]", "integer"),
    ("model.backbone.choose.fc.norm=group", "model.backbone.fc.norm", "group", "none", "batch", "layer"),
    ("objective=null", "objective", "null", "must be"),
    ("training=[]", "training", "[]", "must be"),
    # Values out of range, also where only one end of a domain is.
    ("model.latent_dim=0", "model.latent_dim", "0", "1"),
    ("model.latent_dim={choice: [2, 0]}", "model.latent_dim", "found 0", "1"),
    ("model.latent_dim={choice: [2, four]}", "model.latent_dim", "four", "integer"),
    ("objective.k={int: [0, 5]}", "objective.k", "found 0", "1"),
    ("training.optimizer.lr={float: [-1, 1]}", "training.optimizer.lr", "found -1.0", "0"),
    ("training.optimizer.beta1=1.0", "training.optimizer.beta1", "1.0", "1"),
    ("training.batch_size={int: [64, 4096]}", "training.batch_size", "found 4096", "1297"),
    ("training.epochs=0", "training.epochs", "found 0", "1"),
    ("data.validation={choice: [250, 5000]}", "data.validation", "found 5000"),
    ("model.backbone.choose.conv.layers={int: [1, 4]}", "model", "layers", "4", "8x8", "at most 3"),
    # Domains.
    ("model.latent_dim={choice: []}", "model.latent_dim", "must have at least one"),
    ("model.latent_dim={int: [4, 2]}", "model.latent_dim", "low 4 above high 2"),
    ("training.optimizer.lr={float: [0, 1], log: true}", "training.optimizer.lr", "low 0.0", "> 0"),
    ("training.optimizer.lr=.nan", "training.optimizer.lr", ".nan", "finite"),
    ("model.backbone.choose={}", "model.backbone", "{}", "branches"),
    # The sweep itself.
    ("sweep.metric=test/nll", "sweep.metric", "test/nll", "val/nll"),
    ("sweep.metric=val/accuracy", "sweep.metric", "val/accuracy", "val/nll"),
    ("sweep.metric=nll", "sweep.metric", "nll", "val/nll"),
    ("sweep.trials=5", "sweep.trials", "5", "multiple of 2", "4 or 6"),
    ("sweep.budget={hours: 1}", "sweep", "both", "exactly one"),
    ("sweep.arms=model.bone", "sweep.arms", "model.bone", "model.backbone"),
    ("sweep.search=bayes", "sweep.search", "bayes", "tpe, random, grid, qmc"),
    ("sweep.stopping={name: asha, factor: 1}", "sweep.stopping.factor", "1", ">= 2"),
    ("sweep.finals={top: 0}", "sweep.finals.top", "0", ">= 1"),
    ("sweep.resources={cpu: 0}", "sweep.resources.cpu", "0", "> 0"),
    ("sweep.workers=many", "sweep.workers", "many", "auto"),
    ("sweep.trails=4", "sweep.trails", "did you mean", "trials"),
    ("name=../x", "name", "../x", "letters"),
    # Components of the user's own.
    ("model.name=no_such_module:VAE", "model.name", "no_such_module", "cannot be imported"),
    ("model.name=sweeper.errors:VAE", "model.name", "sweeper.errors", "VAE"),
    ("model.name=collections:OrderedDict", "model.name", "collections:OrderedDict", "frozen dataclass", "models.Model"),
    ("model.backbone.choose.fc.name=models:Backbone", "model.backbone.fc.name", "abstract methods"),
    # Overrides that are none.
    ("nonsense", "nonsense", "path=value"),
    ("=3", "=3", "path=value"),
    ("model..x=3", "model..x=3", "path=value"),
    ("model.latent_dim=[", "model.latent_dim", "YAML"),
]


@pytest.mark.parametrize("case", OVERRIDES, ids=[case[0] for case in OVERRIDES])
@pytest.mark.parametrize("command", ["run", "check"])
def test_wrong_values_given_on_the_command_line(refused: Refused, command: str, case: tuple[str, ...]) -> None:
    override, *fragments = case
    line = refused(command, "small.yaml", "--set", override)
    assert line.startswith(("error: --set ", "error: small.yaml:")), "the line must begin with where"
    check_mentions(line, *fragments)


def test_a_grid_over_a_continuous_domain(refused: Refused) -> None:
    line = refused("check", "small.yaml", "--set", "sweep.search=grid")
    check_mentions(line, "training.optimizer.lr", "grid", "step")


# What is replaced in the small file by what, then what the line must tell.
FILES = [
    ("latent_dim: {choice: [2, 4]}", "latent_dim: {choice: [2, 0]}", "bad.yaml:5: model.latent_dim: found 0"),
    ("{hidden: 16}", "{hidden: sixteen}", "bad.yaml:9: model.backbone.fc.hidden: found"),
    ("{hidden: 16}", "{hiden: 16}", "bad.yaml:9: model.backbone.fc.hiden: "),
    ("name: adam", "name: adm", "bad.yaml:15: training.optimizer.name: "),
    ("name: digits", "name: digit", "bad.yaml:2: data.name: "),
    ("trials: 4", "trials: 5", "bad.yaml:16: sweep.trials: found 5"),
    ("trials: 4", "trails: 4", "bad.yaml:16: sweep.trails: "),
    ("epochs: 2", "epochs: 2\n  epochs: 3", "bad.yaml:14: training: found the key 'epochs' twice, first on line 13"),
    ("epochs: 2", "\tepochs: 2", "bad.yaml:13: found a tab"),
    ("epochs: 2", "epochs: off", "bad.yaml:13: training.epochs: found off"),
    ("data: {name: digits}", "data: {name: digits", "bad.yaml:3: not readable as YAML"),
    ("data: {name: digits}", "data: !!python/name:os.system", "bad.yaml:2: data: found the tag"),
    ("data: {name: digits}\n", "", "bad.yaml:1: data: is missing"),
    (SMALL, "", "bad.yaml: is empty"),
]


@pytest.mark.parametrize("case", FILES, ids=[case[1] or f"no {case[0][:4]}" for case in FILES])
def test_wrong_files(refused: Refused, workplace: Path, case: tuple[str, str, str]) -> None:
    before, after, beginning = case
    assert before in SMALL
    (workplace / "bad.yaml").write_text(SMALL.replace(before, after))
    assert refused("run", "bad.yaml").startswith(f"error: {beginning}")


# The words of a command in a folder with sweeps, then what the line must tell.
CALLS = [
    # The parser of the command line.
    (["rnu", "small.yaml"], "rnu", "run"),
    (["run"], "FILE", "--help"),
    (["show"], "SWEEP", "--help"),
    (["run", "small.yaml", "--hmoe", "x"], "--hmoe", "--home"),
    (["run", "small.yaml", "--home"], "--home", "argument"),
    (["run", "small.yaml", "other.yaml"], "other.yaml"),
    (["ui", "--port", "many"], "--port", "integer"),
    (["ui", "--port", "65536"], "--port", "65535"),
    # Files and folders.
    (["run", "nowhere.yaml"], "nowhere.yaml", "no such file"),
    (["run", "home"], "home", "folder", "YAML file"),
    (["check", "nowhere.yaml"], "nowhere.yaml", "no such file"),
    (["run", "small.yaml", "--home", "small.yaml"], "small.yaml", "folder", "--home"),
    (["run", "small.yaml", "--set", "data.name=mnist", "--data-dir", "no"], "no/MNIST", "missing", "--data-dir"),
    (["run", "small.yaml", "--set", "data.name=fashion_mnist"], "FashionMNIST", "missing", "SWEEPER_DATA"),
    (["check", "small.yaml", "--set", "data.name=binarized_mnist"], "BinarizedMNIST", "missing", "SWEEPER_DATA"),
    # Where results are tracked.
    (["run", "small.yaml", "--tracking-uri", "nonsense"], "nonsense", "sqlite:///", "https://"),
    (["resume", "begun", "--home", "home", "--tracking-uri", "ftp://x"], "ftp://x", "sqlite:///"),
    (["sync", "first-again", "--home", "home", "--tracking-uri", "nonsense"], "nonsense", "sqlite:///"),
    (["sync", "first-again", "--home", "home", "--tracking-uri", "none"], "--tracking-uri", "none"),
    (["ui", "--home", "home", "--tracking-uri", "none"], "--tracking-uri", "none"),
    (["ui", "--home", "home", "--tracking-uri", "http://host:1"], "http://host:1", "browser"),
    (["ui", "--home", "nowhere"], "--home", "nowhere", "folder"),
    # Names of sweeps.
    *(
        ([command, name, "--home", "home"], *fragments)
        for command in ("show", "resume", "export", "sync")
        for name, *fragments in [
            ("unknown", "unknown", "latest", "first-again, first, begun"),
            ("firs", "firs", "first-again, first"),
            ("", "''", "latest"),
            ("../first", "../first", "sweep.yaml", "study.journal"),
            ("../../etc/passwd", "../../etc/passwd", "sweep.yaml"),
        ]
    ),
    (["show", "latest", "--home", "nowhere"], "latest", "nowhere", "none"),
    *(
        ([command, "home/first", "--home", "no"], "SWEEP: found 'home/first'", "must lie in the home no,", "--home /")
        for command in ("resume", "prune", "sync")
    ),
    # What is exported.
    (["export", "first-again", "--home", "home", "--arm", "cnv"], "arm", "cnv", "fc, conv", "did you mean conv"),
    (["export", "first-again", "--home", "home", "-o", "best.txt"], "best.txt", ".yaml"),
    (["export", "first-again", "--home", "home", "-o", "no/best.yaml"], "no/best.yaml", "must be a folder"),
    (["export", "first-again", "--home", "home", "-o", "small.yaml"], "small.yaml", "there already"),
    # What is trained again.
    (["train", "nowhere.yaml"], "nowhere.yaml", "no such file"),
    (["train", "small.yaml"], "small.yaml:16: sweep", "one configuration"),
]


@pytest.mark.parametrize("case", CALLS, ids=[" ".join(case[0]) for case in CALLS])
def test_wrong_calls(refused: Refused, home: Path, case: tuple[list[str], *tuple[str, ...]]) -> None:
    words, *fragments = case
    check_mentions(refused(*words), *fragments)


CONFIGURATION = """\
name: exported
data: {name: digits}
model: {name: vae}
objective: {name: elbo}
training: {epochs: 1, batch_size: 64, optimizer: {name: adam}}
"""

PROVENANCE = {
    "seed": "7",
    "metric": "val/nll",
    "value": "25.5",
    "evaluation": "{every: 1, images: 10, k: 1, final_k: 1, final_images: 10}",
    "threads": "1",
    "versions": "{torch: '2'}",
}


def exported(**changed: str | None) -> str:
    provenance = {key: text for key, text in {**PROVENANCE, **changed}.items() if text is not None}
    return CONFIGURATION + "provenance:\n" + "".join(f"  {key}: {text}\n" for key, text in provenance.items())


EXPORTS = [
    (CONFIGURATION, "provenance.seed", "is missing"),
    (exported(seed=None), "provenance.seed", "is missing"),
    (exported(seed="-1"), "provenance.seed", "found -1", "0"),
    (exported(seed="true"), "provenance.seed", "found true", "integer"),
    (exported(metric="val/eror"), "provenance.metric", "val/eror", "val/nll"),
    (exported(metric="val/error"), "model", "has no val/error", "val/nll"),
    (exported(value=None), "provenance.value", "is missing"),
    (exported(value="good"), "provenance.value", "good", "number"),
    (exported(evaluation="{every: 1, images: 10, k: 0}"), "provenance.evaluation.k", "found 0", "1"),
    (exported(evaluation="{every: 1, images: 10, l: 1}"), "provenance.evaluation.l", "found 1"),
    (exported(evaluation="{images: 10}"), "provenance.evaluation.every", "is missing"),
    (exported(evaluation="{every: 1, images: auto}"), "provenance.evaluation.images", "auto", "integer"),
    (exported(versions=None), "provenance.versions", "is missing"),
    (exported().replace("{name: vae}", "{name: vea}"), "model.name", "vea", "did you mean"),
    (exported().replace("{name: vae}", "{latent_dim: {choice: [2, 4]}}"), "model.latent_dim", "one concrete"),
    (exported().replace("epochs: 1", "epochs: 0"), "training.epochs", "found 0", "1"),
]


@pytest.mark.parametrize("case", EXPORTS, ids=[" ".join(case[1:3]) for case in EXPORTS])
def test_wrong_configurations_to_train(refused: Refused, workplace: Path, case: tuple[str, ...]) -> None:
    text, *fragments = case
    (workplace / "best.yaml").write_text(text)
    check_mentions(refused("train", "best.yaml", "--replay"), "best.yaml", *fragments)


@pytest.mark.parametrize(
    ("output", "rule"),
    [("small.yaml", "cannot make this folder"), ("small.yaml/in", "cannot make this folder"), ("full", "something in")],
)
def test_a_training_never_shares_its_folder(refused: Refused, workplace: Path, output: str, rule: str) -> None:
    (workplace / "best.yaml").write_text(exported())
    (workplace / "full").mkdir()
    (workplace / "full" / "notes.txt").touch()
    check_mentions(refused("train", "best.yaml", "-o", output), output, rule, "--output")


def test_nothing_to_export_is_a_failure_and_not_a_wrong_call(refused: Refused, home: Path) -> None:
    line = refused("export", "begun", "--home", "home", code=1)
    check_mentions(line, "begun", "no trial that was trained to its end")


def test_a_home_that_is_no_folder_shows_no_sweep(refused: Refused) -> None:
    check_mentions(refused("show", "latest", "--home", "small.yaml"), "small.yaml", "none")


PROCESSES = [
    (["run", "small.yaml", "--set", "model.name=vea"], "model.name"),
    (["run", "small.yaml", "--set", "data.name=mnist", "--data-dir", "."], "missing"),
    (["run", "nowhere.yaml"], "nowhere.yaml"),
    (["train", "small.yaml"], "small.yaml:16"),
    (["show", "latest"], "latest"),
    (["rnu"], "rnu"),
]


@pytest.mark.parametrize("case", PROCESSES, ids=[" ".join(case[0]) for case in PROCESSES])
def test_the_installed_command_refuses_alike(workplace: Path, case: tuple[list[str], str]) -> None:
    words, fragment = case
    before = contents(workplace)
    assert fragment in check_complaint(call_console_script(*words, cwd=workplace))
    assert contents(workplace) == before


def test_a_configuration_that_cannot_be_trained_is_found_by_check(sweeper: Sweeper, workplace: Path) -> None:
    ended = sweeper("check", "small.yaml", "--set", f"objective.k={10**15}")
    *warnings, line = ended.err.splitlines()
    assert (ended.code, ended.out) == (2, "")
    assert line.startswith("error: small.yaml:3: model: the largest model of arm fc cannot be trained: ")
    assert warnings
    assert all(warning.startswith("warning: small.yaml:") for warning in warnings)
