"""Protects a real sweep whose home is in S3: killed, and gone on with from S3 alone, it is what it is on a disk.

Its driver is killed in the middle. Another one, with an empty cache as on another machine, goes on with it.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calling import SWEEP, Ended, call_console_script, disturb_console_script
from stored import bring, contents_of
from support.moto import environment, moto_server
from swept import OF_A_REAL_SWEEP, PICTURES, TRIALS, Swept, measured, run_facts

from sweeper.remote import s3
from sweeper.remote.homes import sweeps_in
from sweeper.remote.opening import open_objects
from sweeper.search import TrialRecord
from sweeper.search.keeping import keep
from sweeper.spec import read_spec
from sweeper.tracking.store import connect
from sweeper.training.holding import LOCK

pytestmark = OF_A_REAL_SWEEP

URL = "s3://bucket/my/sweeps"
SECRET = "s3cret-of-ann"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder to call `sweeper` in."""
    here = tmp_path_factory.mktemp("here")
    (here / "small.yaml").write_text(SWEEP)
    return here


@pytest.fixture(scope="module")
def cloud(here: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """S3 with a bucket, for this process and those that it starts."""
    with moto_server(tmp_path_factory.mktemp("moto")) as url, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(url).items():
            patch.setenv(name, value)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("HOME", str(here))
        patch.setenv("MLFLOW_S3_ENDPOINT_URL", url)  # MLflow sends artifacts there by itself.
        patch.setattr("boto3.DEFAULT_SESSION", None)
        s3._client.cache_clear()
        s3._client().create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        yield patch
    s3._client.cache_clear()


@pytest.fixture(scope="module")
def options(here: Path) -> tuple[str, ...]:
    return "--home", URL, "--tracking-uri", f"sqlite:///{here / 'mlflow.db'}"


@pytest.fixture(scope="module")
def killed(here: Path, cloud: pytest.MonkeyPatch, options: tuple[str, ...]) -> Swept:
    """The sweep when its driver had been killed, after its third trial."""
    cloud.setenv("SWEEPER_CACHE", str(here / "first-cache"))
    ended = disturb_console_script("run", "small.yaml", *options, cwd=here, at=f"3/{TRIALS} ", disturb=_kill)
    return Swept(ended, _brought(here / "killed"))


@pytest.fixture(scope="module")
def resumed(here: Path, killed: Swept, cloud: pytest.MonkeyPatch, options: tuple[str, ...]) -> Swept:
    """The same sweep at its end, gone on with from another cache."""
    cloud.setenv("SWEEPER_CACHE", str(here / "second-cache"))
    ended = call_console_script("resume", "latest", *options, cwd=here, timeout=240)
    return Swept(ended, _brought(here / "resumed"))


@pytest.fixture(scope="module")
def objects(resumed: Swept) -> dict[str, bytes]:
    """Everything in the bucket in the end, by key."""
    return contents_of("s3://bucket")


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()


def _brought(folder: Path) -> Path:
    """Return the only sweep of the home, as it would lie on a disk."""
    (name,) = sweeps_in(open_objects(URL))
    (folder / name).mkdir(parents=True)
    return bring(open_objects(URL).below(name), folder / name)


def _files(swept: Swept, record: TrialRecord) -> set[str]:
    """Return the names of a trial's files, but for the lock, which is a process's, and for pictures.

    Those of epochs are drawn where there is the time, the last ones after the end was told: a kill may come before.
    """
    folder = swept.trial(record)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in names - PICTURES - {LOCK} if not name.startswith("pictures/")}


class TestKilled:
    def test_what_was_told_was_in_the_store(self, killed: Swept) -> None:
        assert killed.ended.code == -9
        assert killed.ended.out.startswith(f"sweep {URL}/{killed.folder.name}\n")
        assert 3 <= sum(record.finished for record in killed.records) < TRIALS
        for record in killed.records:
            epochs = [line["epoch"] for line in killed.lines(record) if "val/nll" in line["metrics"]]
            assert epochs[: len(record.curve)] == list(range(1, len(record.curve) + 1))

    def test_there_is_no_verdict_yet(self, killed: Swept) -> None:
        assert not (killed.folder / "verdict.txt").exists()


class TestResumed:
    def test_it_takes_over_from_the_driver_that_died_and_ends_with_the_verdict(
        self, resumed: Swept, killed: Swept
    ) -> None:
        assert (resumed.ended.code, resumed.ended.err) == (0, "")
        assert f"sweep {killed.folder.name} is taken over from process " in resumed.ended.out
        assert resumed.ended.out.rstrip().endswith((resumed.folder / "verdict.txt").read_text().rstrip())

    def test_it_runs_only_what_was_left(self, resumed: Swept, killed: Swept) -> None:
        printed = [line for line in resumed.ended.out.splitlines() if f"/{TRIALS}  " in line]
        assert len(printed) == TRIALS - sum(record.finished for record in killed.records)

    def test_it_is_the_sweep_that_a_disk_would_have(self, resumed: Swept, sweep: Swept) -> None:
        assert run_facts(resumed) == run_facts(sweep)
        assert measured(resumed) == measured(sweep)
        assert (resumed.folder / "verdict.txt").read_bytes() == (sweep.folder / "verdict.txt").read_bytes()

    def test_every_trial_has_the_files_that_it_has_on_a_disk(self, resumed: Swept, sweep: Swept) -> None:
        for record in sweep.records:
            assert _files(resumed, record) == _files(sweep, record)
        kept = keep(resumed.records, read_spec(resumed.folder / "sweep.yaml").settings)
        best = [record for record in resumed.records if "best" in kept[record.number]]
        assert best != []
        for record in best:
            name = Path("best", "model.safetensors")
            assert (resumed.trial(record) / name).read_bytes() == (sweep.trial(record) / name).read_bytes()


class TestStore:
    def test_a_sweep_has_its_own_files_and_its_trials_and_nothing_else(
        self, resumed: Swept, objects: dict[str, bytes]
    ) -> None:
        top = f"my/sweeps/{resumed.folder.name}/"
        ours = {key.removeprefix(top) for key in objects if key.startswith(top)}
        assert {key for key in ours if "/" not in key} == {
            *("sweep.yaml", "verdict.txt", "driver.lock", "ray.log", "tracking.log")
        }
        assert {key.partition("/")[0] for key in ours if "/" in key} == {"study", "trials"}
        trials = {key.split("/")[1] for key in ours if key.startswith("trials/")}
        assert trials == {record.folder for record in resumed.records}
        assert {key.partition("/")[0] for key in (name.removeprefix("my/sweeps/") for name in objects)} == {
            *(resumed.folder.name, "mlartifacts")
        }

    def test_what_no_snapshot_names_is_gone(self, resumed: Swept, objects: dict[str, bytes]) -> None:
        for record in resumed.records:
            trial = f"my/sweeps/{resumed.folder.name}/trials/{record.folder}/"
            named = json.loads(objects[f"{trial}snapshot.json"])["files"].values()
            contents = {key.rpartition("/")[2] for key in objects if key.startswith(f"{trial}files/")}
            assert contents == {content["hash"][:32] for content in named}

    def test_no_object_no_file_and_no_output_has_a_secret(
        self, here: Path, killed: Swept, resumed: Swept, objects: dict[str, bytes]
    ) -> None:
        files = {str(path): path.read_bytes() for path in here.rglob("*") if path.is_file()}
        assert any(name.endswith("tracking.log") for name in files)
        assert [name for name, content in (files | objects).items() if SECRET.encode() in content] == []
        assert [ended for ended in (killed.ended, resumed.ended) if SECRET in ended.out + ended.err] == []


class TestExport:
    def test_the_best_is_what_a_disk_would_give(self, here: Path, resumed: Swept, sweep: Swept) -> None:
        exported = call_console_script("export", "latest", "--home", URL, "-o", "best.yaml", cwd=here)
        assert (exported.code, exported.err) == (0, "")
        (here / "disk").mkdir()
        call_console_script("export", str(sweep.folder), "-o", str(here / "disk" / "best.yaml"), cwd=here)
        assert (here / "best.safetensors").read_bytes() == (here / "disk" / "best.safetensors").read_bytes()
        configs = [(folder / "best.yaml").read_text() for folder in (here, here / "disk")]
        assert configs[0].replace(resumed.folder.name, sweep.folder.name) == configs[1]


class TestTracking:
    @pytest.fixture
    def client(self, resumed: Swept, here: Path) -> Any:
        return connect(f"sqlite:///{here / 'mlflow.db'}")

    @pytest.fixture
    def runs(self, client: Any) -> dict[str | None, Any]:
        """The runs of the sweep by their trial."""
        found = client.search_runs([client.get_experiment_by_name("small").experiment_id])
        assert len(found) == 1 + TRIALS
        return {run.data.tags.get("sweeper.trial"): run for run in found}

    def test_every_point_of_every_trial_is_there_once(
        self, client: Any, runs: dict[str | None, Any], resumed: Swept
    ) -> None:
        for record in resumed.records:
            run = runs[str(record.number)]
            for name in {name for line in resumed.lines(record) for name in line["metrics"]}:
                points = [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
                lines = [line for line in resumed.lines(record) if name in line["metrics"]]
                assert sorted(points) == [(line["epoch"], float(line["metrics"][name])) for line in lines], name

    def test_all_have_ended_as_the_study_says(self, runs: dict[str | None, Any], resumed: Swept) -> None:
        statuses = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
        expected = {str(record.number): statuses[record.state] for record in resumed.records} | {None: "FINISHED"}
        assert {number: run.info.status for number, run in runs.items()} == expected

    def test_weights_that_are_kept_and_pictures_are_artifacts_in_the_home(
        self, client: Any, runs: dict[str | None, Any], resumed: Swept, objects: dict[str, bytes]
    ) -> None:
        for record in resumed.records:
            run = runs[str(record.number)]
            assert run.info.artifact_uri.startswith(f"{URL}/mlartifacts/")
            key = f"{run.info.artifact_uri.removeprefix('s3://bucket/')}/best/model.safetensors"
            weights = resumed.trial(record) / "best" / "model.safetensors"
            if weights.exists():  # What was sent when the driver was killed, and is not kept now, stays.
                assert objects[key] == weights.read_bytes()


def test_a_second_time_there_is_nothing_left_to_do(here: Path, resumed: Swept, options: tuple[str, ...]) -> None:
    ended: Ended = call_console_script("prune", "latest", "--home", URL, "--dry-run", cwd=here)
    assert (ended.code, ended.err, ended.out) == (0, "", "would free 0 B of 0 trials\n")
