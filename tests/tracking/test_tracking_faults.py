"""Whatever happens between the mirror and MLflow, every run and every point is there once in the end.

Protects against PITFALLS 7 (a restart duplicates runs) and against an outage that loses or blocks anything.
"""

import shutil
from contextlib import closing, suppress
from dataclasses import replace

import pytest
from fabricated_folder import Folder
from flaky import Flaky, Killed
from observed import Observed, observe

from sweeper.tracking import default_uri
from sweeper.tracking.mirror import Mirror

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

OUTAGE = ConnectionError("the server at http://user:secret@host/api is away")


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Folder:
    """A small sweep with one trial that has ended and one that runs."""
    folder = Folder(tmp_path_factory.mktemp("template"), "template")
    folder.epochs(folder.begin("fc"), 1, 2)
    folder.picture(0, "samples", 1)
    folder.picture(0, "latents", 2)
    folder.end(0)
    folder.epochs(folder.begin("conv"), 1)
    folder.picture(1, "samples", 1)
    return folder


def copy(template: Folder, home, name: str) -> Folder:
    """Return the template under another name, with the same times."""
    folder = Folder.__new__(Folder)
    folder.name, folder.path = name, home / name
    shutil.copytree(template.path, folder.path)
    written = (template.path / "sweep.yaml").read_text()
    (folder.path / "sweep.yaml").write_text(written.replace("name: template", f"name: {name}"))
    shutil.copystat(template.path / "sweep.yaml", folder.path / "sweep.yaml")
    return folder


def runs_of(client, folder: Folder) -> list[Observed]:
    """Return what is observed, without the names that differ between copies of the template."""
    differing = ("sweeper.sweep", "sweeper.digest", "sweeper.artifacts", "mlflow.runName")
    return [
        replace(
            run,
            name="" if run.parent is None else run.name,
            parent=run.parent and "",
            tags={name: value for name, value in run.tags.items() if name not in differing},
        )
        for run in observe(client, folder)
    ]


@pytest.fixture
def undisturbed(home, client, template):
    """What MLflow has after one round without a fault, and which calls made it."""
    folder = copy(template, home, "undisturbed")
    spy = Flaky(client, lambda number: False, OUTAGE)
    with closing(Mirror(folder.path, default_uri(home), connect=spy.connect)) as mirror:
        assert mirror.synchronise("interrupted")
    return runs_of(client, folder), spy.calls


def test_a_short_trial_costs_three_requests_its_artifacts_one_each_and_a_tag_and_all_its_pictures_one(undisturbed):
    _, calls = undisturbed
    assert calls == [
        *("get_experiment_by_name", "create_experiment", "search_runs", "create_run"),
        *("create_run", "log_batch", "set_terminated"),
        *("create_run", "log_batch", "set_terminated"),
        *("log_batch", "set_terminated"),
        *("log_artifact", "log_artifact", "log_artifact", "log_artifacts", "set_tag"),
        *("log_artifacts", "set_tag"),
        *("log_artifact", "set_tag"),
    ]


@pytest.mark.parametrize("after", [False, True], ids=["request-lost", "answer-lost"])
@pytest.mark.parametrize("error", [Killed(), OUTAGE], ids=["killed", "outage"])
def test_a_fault_at_any_call_leaves_the_same_runs_in_the_end(home, client, template, undisturbed, error, after):
    """Killed: another mirror goes on. Outage: the same one does."""
    expected, calls = undisturbed
    for faulty in range(len(calls)):
        folder = copy(template, home, f"fault-{faulty}")
        flaky = Flaky(client, lambda number, faulty=faulty: number == faulty, error, after=after)
        with closing(Mirror(folder.path, default_uri(home), connect=flaky.connect)) as mirror, suppress(Killed):
            assert not mirror.synchronise("interrupted"), f"the fault at call {faulty}, {calls[faulty]}, went unnoticed"
            assert mirror.synchronise("interrupted")
        if isinstance(error, Killed):
            with closing(Mirror(folder.path, default_uri(home), connect=lambda uri: client)) as restarted:
                assert restarted.synchronise("interrupted")
        assert runs_of(client, folder) == expected, f"after a fault at call {faulty}, {calls[faulty]}"


def test_a_server_that_is_away_for_a_while_costs_nothing(home, client, template, undisturbed):
    expected, _ = undisturbed
    folder = copy(template, home, "outage")
    flaky = Flaky(client, lambda number: 5 <= number < 12, OUTAGE)
    with closing(Mirror(folder.path, default_uri(home), connect=flaky.connect)) as mirror:
        rounds = [mirror.synchronise("interrupted") for _ in range(9)]
    assert rounds == [False] * 7 + [True] * 2
    assert runs_of(client, folder) == expected


def test_artifacts_that_cannot_be_stored_hold_up_no_metrics_and_no_status(home, client, template, undisturbed):
    expected, _ = undisturbed
    folder = copy(template, home, "artifacts")

    class NoArtifacts(Flaky):
        def log_artifact(self, *arguments, **keywords):
            raise OSError("no space left on the device that holds artifacts")

        log_artifacts = log_artifact

    flaky = NoArtifacts(client, lambda number: False, OUTAGE)
    with closing(Mirror(folder.path, default_uri(home), connect=flaky.connect)) as mirror:
        assert not mirror.synchronise("interrupted")
        assert "no space left" in str(mirror.problem)
    assert runs_of(client, folder) == [replace(run, artifacts=[]) for run in expected]


def test_an_outage_is_logged_once_with_its_reason_and_without_secrets(home, client, template, caplog):
    folder = copy(template, home, "logged")
    flaky = Flaky(client, lambda number: True, OUTAGE)
    with closing(Mirror(folder.path, "http://user:secret@host/api", connect=flaky.connect)) as mirror:
        assert [mirror.synchronise() for _ in range(3)] == [False] * 3
        said = f"{mirror.problem} {mirror.lacking()} {caplog.text}"
    assert len(caplog.records) == 1
    assert "ConnectionError" in said
    assert "***@host" in said
    assert "secret" not in said


def test_a_broken_line_in_a_curve_is_named_once_and_the_lines_around_it_arrive(home, client, template, caplog):
    folder = copy(template, home, "broken")
    curve = next(folder.path.glob("trials/0000*/metrics.jsonl"))
    first, second = curve.read_text().splitlines(keepends=True)
    curve.write_text(first + first[:50] + second + second)
    with closing(Mirror(folder.path, default_uri(home), connect=lambda uri: client)) as mirror:
        assert mirror.synchronise()
        curve.touch()
        assert mirror.synchronise()
    assert [step for step, _, _ in observe(client, folder)[1].histories["val/nll"]] == [1, 2]
    assert [record.getMessage().partition("metrics.jsonl")[2][:2] for record in caplog.records] == [":2"]


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_curve_longer_than_a_request_arrives_once_wherever_its_requests_break_off(home, client, monkeypatch, cut):
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    folder = Folder(home, "long")
    folder.epochs(folder.begin(), *range(1, 401))
    log_batch, requests = SqlAlchemyStore.log_batch, []

    def breaking(*arguments, **keywords):
        requests.append(keywords["metrics"])
        if len(requests) == cut + 1:
            raise OUTAGE
        return log_batch(*arguments, **keywords)

    monkeypatch.setattr(SqlAlchemyStore, "log_batch", breaking)
    with closing(Mirror(folder.path, default_uri(home), connect=lambda uri: client)) as mirror:
        assert [mirror.synchronise(), mirror.synchronise()] == [False, True]
    assert max(map(len, requests)) <= 1000
    histories = observe(client, folder)[1].histories
    assert len(histories) == 6
    for points in histories.values():
        assert [step for step, _, _ in points] == list(range(1, 401))
