"""What is sent is within MLflow's terms, and what is shown is without secrets."""

import json
import math
import subprocess
from pathlib import Path

import pytest

from sweeper.commit import commit_of
from sweeper.curve_line import Line
from sweeper.errors import UsageError
from sweeper.strict_json import seal
from sweeper.tracking import default_uri, mask, ui_command
from sweeper.tracking.content import LONGEST_VALUE, flatten, key
from sweeper.tracking.curve import read_curve


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val/nll", "val/nll"),
        ("loss(beta=1)", "loss_beta_1_"),
        ("a//b/../c/.", "a/b/c"),
        ("/root", "root"),
        ("..", "_"),
        ("k" * 300, "k" * 250),
    ],
)
def test_any_name_becomes_one_that_mlflow_accepts(name, expected):
    from mlflow.utils.validation import _validate_metric_name

    assert key(name) == expected
    _validate_metric_name(key(name))


def test_a_configuration_becomes_dotted_names_and_text_that_reads_back():
    config = {"a": {"b": {"c": 1e-05}, "d": "none", "e": None}, "f": [1, {"g": True}], "h": {}, "i": False}
    flat = flatten(config)
    assert flat == {"a.b.c": "1e-05", "a.d": "none", "a.e": "null", "f": '[1, {"g": true}]', "h": "{}", "i": "false"}
    assert json.loads(flat["f"]) == config["f"]
    assert len(flatten({"long": "x" * 10**6})["long"]) == LONGEST_VALUE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ann:s3cret@host:5000/path", "https://***@host:5000/path"),
        ("postgresql+psycopg://ann:p@ss@host/db", "postgresql+psycopg://***@host/db"),
        ("postgresql://host/db?user=ann&password=s3cret", "postgresql://host/db?user=ann&password=***"),
        (
            "GET http://token@host/api failed, see http://host/help",
            "GET http://***@host/api failed, see http://host/help",
        ),
        ("sqlite:////home/ann/sweeps/mlflow.db", "sqlite:////home/ann/sweeps/mlflow.db"),
    ],
)
def test_users_and_passwords_are_masked_wherever_a_uri_is_shown(text, expected):
    assert mask(text) == expected


def test_the_default_store_is_named_absolutely(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert default_uri(Path("sweeps")) == f"sqlite:///{tmp_path / 'sweeps' / 'mlflow.db'}"


def test_the_ui_is_bound_to_loopback_on_the_store_and_the_artifacts_of_the_home(tmp_path):
    command = " ".join(ui_command(tmp_path, default_uri(tmp_path), 5001))
    assert "mlflow server --host 127.0.0.1 --port 5001" in command
    assert f"--backend-store-uri sqlite:///{tmp_path}/mlflow.db" in command
    assert f"--default-artifact-root file://{tmp_path}/mlartifacts" in command
    assert "MLFLOW_DISABLE_TELEMETRY=true" in command


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("https://ann:s3cret@host", r"https://\*\*\*@host is a tracking server with a UI of its own"),
        ("postgresql://ann:s3cret@host/db", r"postgresql://\*\*\*@host/db has a password"),
        ("./mlruns", "must begin with http://"),
    ],
)
def test_a_ui_that_cannot_or_should_not_be_started_is_refused_in_one_line(tmp_path, uri, message):
    with pytest.raises(UsageError, match=message) as refusal:
        ui_command(tmp_path, uri, 5000)
    assert "s3cret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "broken",
    [
        b"{}",
        b"[]",
        b"3",
        b"null",
        b"\xff\xfe",
        b'{"epoch": 1',
        b'{"epoch": "x", "images": 1, "seconds": 1, "timestamp": 1, "metrics": {}}',
        b'{"epoch": 1e999, "images": 1, "seconds": 1, "timestamp": 1, "metrics": {}}',
        b'{"epoch": 1, "images": 1, "seconds": 1, "timestamp": 1, "metrics": []}',
        b'{"epoch": 1, "images": 1, "seconds": 1, "timestamp": 1, "metrics": {"a": null}}',
        b'{"epoch": 1, "images": 1, "seconds": 1, "timestamp": 1, "metrics": {"a": "1"}}',
        b'{"epoch": 1, "images": -1, "seconds": 1, "timestamp": 1, "metrics": {}}',
        b'{"epoch": 1, "images": NaN, "seconds": 1, "timestamp": 1, "metrics": {}}',
        b'{"epoch": 1, "images": 1, "seconds": 1, "timestamp": 1e300, "metrics": {}}',
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_none_of_a_curve_is_skipped_even_where_its_checksum_is_right(tmp_path, broken):
    good = Line(1, 10, 0.5, 7000, {"val/nll": math.nan}).to_text().encode()
    path = tmp_path / "metrics.jsonl"
    for bad in (broken, seal(broken.decode(errors="replace")).encode()):
        path.write_bytes(good + bad + b"\n" + good)
        assert [line.epoch for line in read_curve(path)] == [1, 1]


def test_a_line_of_which_a_digit_has_changed_is_skipped_and_named(tmp_path, caplog):
    path = tmp_path / "metrics.jsonl"
    path.write_text(Line(1, 10, 0.5, 7000, {"val/nll": 81.25}).to_text().replace("81.25", "91.25"))
    assert read_curve(path) == []
    (record,) = caplog.records
    assert record.getMessage() == f"{path}:1: not a line of a curve (its checksum is that of another text); skipped"


def test_a_curve_that_is_not_there_yet_is_empty(tmp_path):
    assert read_curve(tmp_path / "metrics.jsonl") == []


def test_the_commit_is_that_of_the_checkout_and_none_outside_of_one(tmp_path):
    checkout = tmp_path / "checkout"
    git = ["git", "-C", str(checkout), "-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "init", "-q", str(checkout)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    head = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
    assert commit_of(checkout) == head
    assert commit_of(tmp_path) is None
