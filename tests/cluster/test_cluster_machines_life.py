"""Protects own machines from up to down: what fails says so in one line, and every command may be run again."""

import json
import tarfile
from pathlib import Path

import pytest
from cluster_calling import Ended, Sweeper
from fakes import Fakes

FILE = str(Path(__file__).parents[2] / "cluster" / "machines.yaml")
OWN = tuple(
    word
    for value in ("head=gpu1", "workers=[gpu2, gpu3]", "ssh.user=ada", "home=/shared/sweeps")
    for word in ("--set", value)
)

pytestmark = pytest.mark.usefixtures("wheel")


def up(sweeper: Sweeper, *words: str) -> Ended:
    return sweeper("cluster", "up", FILE, *OWN, *words)


def state(place: Path) -> Path:
    return place / ".sweeper" / "clusters" / "machines"


def test_up_begins_all_machines_and_says_how_to_go_on(sweeper: Sweeper, fakes: Fakes) -> None:
    ended = up(sweeper, "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert len(fakes.calls()) == 3 + 3 + 3  # Sent, installed and started, on each.
    assert "head: gpu1; workers: gpu2, gpu3" in ended.out
    assert "next: sweeper cluster submit FILE --cluster machines" in ended.out


def test_up_may_be_run_again(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    up(sweeper, "--yes")
    token = (state(place) / "node" / "token").read_text()
    assert up(sweeper, "--yes").code == 0
    assert (state(place) / "node" / "token").read_text() == token


def test_answered_with_no_nothing_is_started_or_written(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    ended = up_with_answer(sweeper, "n")
    assert ended.code == 1
    assert ended.out.endswith("nothing was started\n")
    assert fakes.calls() == []
    assert not (place / ".sweeper").exists()


def test_answered_with_yes_it_starts(sweeper: Sweeper, fakes: Fakes) -> None:
    assert up_with_answer(sweeper, "y").code == 0
    assert len(fakes.calls()) == 9


def test_where_nobody_answers_it_says_how_not_to_be_asked(sweeper: Sweeper, fakes: Fakes) -> None:
    ended = up(sweeper)
    assert ended.code == 2
    assert ended.complaint == "error: found nobody to ask; must be told --yes"
    assert fakes.calls() == []


def up_with_answer(sweeper: Sweeper, answer: str) -> Ended:
    return sweeper("cluster", "up", FILE, *OWN, answer=answer)


@pytest.mark.parametrize(
    ("pattern", "step"),
    [
        ("ada@gpu2\nbash -lc 'mkdir", "send to gpu2"),
        ("pip install", "install on gpu1"),
        ("ray start --head", "start Ray on gpu1"),
        ("ray start --address", "start Ray on gpu2"),
    ],
)
def test_a_failing_step_is_one_line_and_may_be_run_again(
    sweeper: Sweeper, fakes: Fakes, pattern: str, step: str
) -> None:
    fakes.fail(pattern.replace("\n", " "), "E: the disk is full")
    failed = up(sweeper, "--yes")
    assert failed.code == 1
    assert failed.complaint.startswith(f"error: {step}: E: the disk is full; ")
    assert "then run the same command again" in failed.complaint
    fakes.mend()
    assert up(sweeper, "--yes").code == 0


def test_a_machine_that_fails_does_not_keep_others_from_being_tried(sweeper: Sweeper, fakes: Fakes) -> None:
    fakes.fail("ray start --address", "no")
    assert "; 1 more failed" in up(sweeper, "--yes").complaint
    assert sum("ray start --address" in call for call in fakes.calls()) == 2


def test_a_head_that_does_not_start_gets_no_workers(sweeper: Sweeper, fakes: Fakes) -> None:
    fakes.fail("ray start --head", "no")
    up(sweeper, "--yes")
    assert [call for call in fakes.calls() if "ray start --address" in call] == []


def test_the_token_is_its_owners_alone_and_in_no_command_or_log(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    up(sweeper, "--yes")
    token = state(place) / "node" / "token"
    secret = token.read_text()
    assert len(secret) == 64
    assert token.stat().st_mode & 0o777 == 0o600
    assert state(place).stat().st_mode & 0o777 == 0o700
    assert fakes.seen()
    others = [
        path for path in place.rglob("*") if path.is_file() and path not in (token, fakes.folder / "received.tar")
    ]
    assert len(others) > 5
    assert [path for path in others if secret.encode() in path.read_bytes()] == []


def test_ctrl_c_says_what_goes_on(sweeper: Sweeper, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sweeper.cli.cluster.starting.build", interrupted)
    ended = up(sweeper, "--yes")
    assert ended.code == 130
    assert ended.out.endswith("interrupted; what has started goes on until: sweeper cluster down machines\n")


def test_machines_receive_wheel_requirements_token_and_environment(sweeper: Sweeper, fakes: Fakes) -> None:
    up(sweeper, "--yes")
    with tarfile.open(fakes.folder / "received.tar") as received:
        modes = {entry.name: entry.mode & 0o777 for entry in received}
        text = received.extractfile("environment")
        assert text is not None
        lines = text.read().decode().splitlines()
    assert modes["token"] == modes["environment"] == 0o600
    assert {"sweeper.whl", "requirements.txt"} < modes.keys()
    assert 'export RAY_AUTH_MODE="token"' in lines
    assert 'export RAY_USAGE_STATS_ENABLED="0"' in lines
    assert 'export SWEEPER_HOME="/shared/sweeps"' in lines


def test_what_was_set_is_remembered(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    up(sweeper, "--yes")
    assert json.loads((state(place) / "overrides.json").read_text()) == list(OWN[1::2])
    fakes.fail("ray status", "no route to host")
    complaint = sweeper("cluster", "status").complaint
    assert complaint.startswith("error: ask Ray on the head: no route to host; see that the head runs")
    assert "ada@gpu1" in fakes.calls()[-1]


def test_a_name_is_not_taken_from_a_cluster_elsewhere(sweeper: Sweeper, fakes: Fakes) -> None:
    up(sweeper, "--yes")
    ended = sweeper("cluster", "up", FILE, *OWN, "--set", "head=gpu9", "--yes")
    assert ended.code == 2
    assert "found the name 'machines', which a cluster in gpu1 has" in ended.complaint


def test_down_stops_all_and_forgets(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    up(sweeper, "--yes")
    ended = sweeper("cluster", "down", answer="y")
    assert (ended.code, ended.err) == (0, "")
    assert "Ray on gpu1, gpu2, gpu3; end it, with all that runs on it?" in ended.out
    assert ended.out.endswith("cluster machines is down; sweeps stay in /shared/sweeps\n")
    assert [call.split("ada@")[1][:4] for call in fakes.calls()[-3:]][-1] == "gpu1"
    assert not state(place).exists()


def test_down_answered_with_no_ends_nothing(sweeper: Sweeper, fakes: Fakes) -> None:
    up(sweeper, "--yes")
    before = fakes.calls()
    ended = sweeper("cluster", "down", answer="no")
    assert ended.code == 1
    assert ended.out.endswith("nothing was ended\n")
    assert fakes.calls() == before


def test_a_machine_that_cannot_be_stopped_is_said_and_stays_known(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    up(sweeper, "--yes")
    fakes.fail("ada@gpu3", "ssh: connect to host gpu3 port 22: No route to host")
    ended = sweeper("cluster", "down", "machines", "--yes")
    assert ended.code == 1
    assert "stop Ray on gpu3: ssh: connect to host gpu3 port 22: No route to host; Ray may still run" in ended.complaint
    fakes.mend()
    assert sweeper("cluster", "down", "machines", "--yes").code == 0
    assert not state(place).exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("status",), "no cluster was started from here; 'sweeper cluster up FILE' starts one"),
        (("down", "lab", "--yes"), "found the cluster 'lab', but none was started from here; 'sweeper cluster up"),
        (("tunnel", "no.yaml"), "no.yaml: no such file"),
        (("cost", FILE), "error: "),
        (("submit",), "found neither FILE nor --resume"),
        (("submit", "no.yaml"), "no.yaml: no such file"),
        (("up", "no.yaml"), "no.yaml: no such file"),
    ],
)
def test_wrong_usage_is_one_line(sweeper: Sweeper, fakes: Fakes, words: tuple[str, ...], complaint: str) -> None:
    ended = sweeper("cluster", *words)
    assert ended.code == 2
    assert complaint in ended.complaint
    assert fakes.calls() == []
