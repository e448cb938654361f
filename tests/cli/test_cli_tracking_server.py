"""Protects a real sweep from its tracking server: killed while trials train, it costs no trial, verdict or point.

And a password in the server's URI is shown nowhere but where the user has typed it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calling import SMALL, Ended, call_console_script, disturb_console_script
from support.tracking_server import TrackingServer, tracking_server
from swept import OF_A_REAL_SWEEP, Swept, the_only_sweep

from sweeper.tracking.store import connect

pytestmark = OF_A_REAL_SWEEP

PASSWORD = "s3cret-of-ann"
TRIALS = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def options(server: TrackingServer) -> tuple[str, str]:
    return "--tracking-uri", server.uri.replace("//", f"//ann:{PASSWORD}@")


@pytest.fixture(scope="module")
def command_lines() -> list[str]:
    """The command lines of all processes but the user's own, as they were in the middle of the sweep."""
    return []


@pytest.fixture(scope="module")
def swept(
    tmp_path_factory: pytest.TempPathFactory,
    server: TrackingServer,
    options: tuple[str, str],
    command_lines: list[str],
) -> Swept:
    """A sweep whose server was killed when its first trial had ended."""
    place = tmp_path_factory.mktemp("place")
    (place / "small.yaml").write_text(SMALL)

    def disturb(_: object) -> None:
        command_lines.extend(_command_lines())
        server.kill()

    ended = disturb_console_script("run", "small.yaml", *options, cwd=place, at=f"1/{TRIALS} ", disturb=disturb)
    return Swept(ended, the_only_sweep(place / "sweeps"))


@pytest.fixture(scope="module")
def sent(swept: Swept, server: TrackingServer, options: tuple[str, str]) -> Ended:
    """`sync`, when the server was back."""
    server.start()
    return call_console_script("sync", swept.folder.name, *options, cwd=swept.folder.parents[1], timeout=180)


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text(errors="replace")
        except OSError:  # The process has ended.
            continue
        if "small.yaml" not in line:
            yield line


class TestServerKilled:
    def test_the_sweep_ends_as_it_would_have_and_says_how_to_send_the_rest(self, swept: Swept) -> None:
        assert swept.ended.code == 0, swept.ended
        assert [record.state for record in swept.records] == ["complete"] * TRIALS
        assert (swept.folder / "verdict.txt").read_text().strip() in swept.ended.out
        (warning,) = [line for line in swept.ended.out.splitlines() if "lacks results of" in line]
        assert f"'sweeper sync {swept.folder.name}' sends them" in warning

    def test_no_output_no_file_and_no_command_line_shows_the_password(
        self, swept: Swept, command_lines: list[str]
    ) -> None:
        assert PASSWORD not in swept.ended.out + swept.ended.err
        files = [path for path in swept.folder.parents[1].rglob("*") if path.is_file()]
        assert "not synchronised" in (swept.folder / "tracking.log").read_text()
        assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
        assert [line for line in command_lines if "sweeper.tracking" in line] != []
        assert [line for line in command_lines if PASSWORD in line] == []

    def test_sync_sends_every_trial_and_every_point_once(
        self, swept: Swept, sent: Ended, server: TrackingServer
    ) -> None:
        assert (sent.code, PASSWORD in sent.out + sent.err) == (0, False), sent
        client = connect(server.uri)
        runs = client.search_runs([client.get_experiment_by_name("small").experiment_id])
        children = {run.data.tags.get("sweeper.trial"): run for run in runs}
        assert sorted(children, key=str) == ["0", "1", "2", "3", None]
        assert len(runs) == 1 + TRIALS
        assert {run.info.status for run in runs} == {"FINISHED"}
        for record in swept.records:
            assert _points(client, children[str(record.number)]) == _lines(swept, record)


def _points(client: Any, run: Any) -> dict[str, list[tuple[int, float]]]:
    names = run.data.metrics.keys() - {"images", "seconds"}
    histories = {name: client.get_metric_history(run.info.run_id, name) for name in names}
    return {name: sorted((point.step, point.value) for point in points) for name, points in histories.items()}


def _lines(swept: Swept, record: Any) -> dict[str, list[tuple[int, float]]]:
    points: dict[str, list[tuple[int, float]]] = {}
    for line in swept.lines(record):
        for name, value in line["metrics"].items():
            points.setdefault(name, []).append((line["epoch"], value))
    return points
