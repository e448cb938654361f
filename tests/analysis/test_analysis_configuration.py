"""The file of one configuration: what is written reads back equal, and everything else is refused in one line."""

import pytest
from fabricated import concrete

from sweeper.analysis import read_config
from sweeper.analysis.configuration import config_text
from sweeper.errors import UsageError

CONFIG = concrete({"model.latent_dim": 8, "training.optimizer.lr": 1e-05}, "conv")
GOOD = """\
name: test
data: digits
model: {name: vae, latent_dim: 8}
objective: {name: elbo}
training: {epochs: 5, optimizer: {name: adam, lr: 1e-4}}
"""


@pytest.mark.parametrize(
    "awkward",
    ["no", "1e-4", "007", "null", "", "é: #", "a\nb", 1e-300, 0.1, 10**17, -0.0, True, None, [], {}, [1, "no"]],
)
def test_what_is_written_reads_back_equal(tmp_path, awkward):
    config = {**CONFIG, "objective": {"name": "elbo", "awkward": awkward}}
    provenance = {"sweep": "test-1", "value": None, "test": [{"metric": "test/nll", "value": 95.1}], "awkward": awkward}
    path = tmp_path / "best.yaml"
    path.write_text(config_text("test", config, provenance), encoding="utf-8")
    assert read_config(path) == (config, provenance)


def test_a_file_written_by_hand_needs_no_provenance(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    config, provenance = read_config(path)
    assert provenance == {}
    assert list(config) == ["data", "model", "objective", "training"]
    assert config["data"] == {"name": "digits"}
    assert config["training"]["optimizer"]["lr"] == 1e-4


def test_the_objective_may_be_left_to_the_model(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("objective: {name: elbo}\n", ""))
    config, _ = read_config(path)
    assert list(config) == ["data", "model", "training"]
    path.write_text(config_text("test", config, {}))
    assert read_config(path)[0] == config


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: test\n", "", "name: is missing; a configuration must have name, data, model, training"),
        ("data: digits\n", "", "data: is missing"),
        ("training: {epochs: 5, optimizer: {name: adam, lr: 1e-4}}\n", "", "training: is missing"),
        ("data: digits", "dta: digits", 'found "dta"; must be one of .*did you mean data'),
        ("name: test", "name: test\nseed: 3", 'seed: found "seed"; must be one of'),
        ("name: test", "name: 3", "name: found 3; must be text"),
        ("name: test", "name: {choice: [a, b]}", "name: found .*; must be text"),
        ("name: test", "name: test\nprovenance: here", 'provenance: found "here"; must be a mapping'),
        (
            "name: test",
            "name: test\nsweep: {trials: 3}",
            "sweep: .*must be one configuration; sweeper run takes a sweep",
        ),
        (
            "latent_dim: 8",
            "latent_dim: {choice: [2, 4]}",
            "model.latent_dim: found choice; a domain or a choose may not",
        ),
        (
            "latent_dim: 8",
            "latent_dim: {int: [2, 4], log: true}",
            "model.latent_dim: found int; a domain or a choose may",
        ),
        ("lr: 1e-4", "lr: {float: [1e-4, 1]}", "training.optimizer.lr: found float; a domain or a choose may not"),
        ("latent_dim: 8", "choose: {a: {}, b: {}}", "model: found choose; a domain or a choose may not stand in one"),
        ("data: digits", "data: {choice: [digits, mnist]}", "data: found choice; a domain or a choose may not"),
        ("data: digits", "data: 3", "data: found 3; must be a mapping, or the name of a component"),
        ("{epochs: 5, optimizer: {name: adam, lr: 1e-4}}", "long", 'training: found "long"; must be a mapping'),
        ("latent_dim: 8", "latent_dim: 8, latent_dim: 9", "latent_dim"),
        ("latent_dim: 8", "latent_dim: off", "latent_dim"),
        (GOOD, "", "is empty"),
        (GOOD, "- a list", "must be a mapping of name, data, model, objective, training, provenance"),
        (GOOD, "a: [", "yaml"),
    ],
)
def test_what_is_no_configuration_is_refused_in_one_line(tmp_path, old, new, message):
    path = tmp_path / "mine.yaml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UsageError, match=message) as error:
        read_config(path)
    assert str(error.value).startswith(str(path))
    assert str(error.value).isprintable()


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_config(tmp_path / "nowhere.yaml")
