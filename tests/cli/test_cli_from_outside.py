"""Protects a real sweep from what its surroundings do to it: requests to end, a home that is deleted, a full disk."""

import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from calling import CONSOLE_SCRIPT, SMALL, Ended, disturb_console_script, environment
from listening import PROC, command_lines, family_of, listening
from support.namespaces import skip_without_mounts
from swept import OF_A_REAL_SWEEP, Swept, measured, run_facts, the_only_sweep

pytestmark = OF_A_REAL_SWEEP

LONG = ("run", "small.yaml", "--tracking-uri", "none", "--set", "sweep.trials=60")

FILL_UP = """\
mount -t tmpfs -o size=400k none disk
sweeper run small.yaml --home disk --tracking-uri none > full.out 2> full.err
echo $? > full.code
mount -o remount,size=64m disk
sweeper resume latest --home disk --tracking-uri none > resumed.out 2> resumed.err
echo $? > resumed.code
cp -r disk roomy
"""


@dataclass
class Watched:
    """A sweep that was looked at from outside while it trained, and then asked to end."""

    ended: Ended
    folder: Path
    called: list[str]
    """How its processes were called."""
    addresses: set[str]
    """Where they listened."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A sweep that was sent SIGTERM."""
    place = tmp_path_factory.mktemp("watched")
    (place / "small.yaml").write_text(SMALL)
    called, addresses = [], set()

    def disturb(process: subprocess.Popen[str]) -> None:
        family = family_of(process.pid)
        called.extend(command_lines(family))
        addresses.update(map(str, listening(family)))
        process.send_signal(signal.SIGTERM)

    ended = disturb_console_script(*LONG, cwd=place, at="after epoch", disturb=disturb)
    return Watched(ended, the_only_sweep(place / "sweeps"), called, addresses)


def test_a_request_to_end_is_answered_as_ctrl_c_is(watched: Watched) -> None:
    assert (watched.ended.code, watched.ended.err) == (130, "")
    assert f"interrupted; go on with: sweeper resume {watched.folder.name}" in watched.ended.out


@pytest.mark.skipif(not (PROC / "net" / "tcp").exists(), reason="reads the kernel's own tables in /proc")
def test_whatever_listens_does_so_on_the_loopback_address(watched: Watched) -> None:
    assert any("raylet" in words for words in watched.called), "Ray is what listens here"
    assert watched.addresses == {"127.0.0.1"}


def test_a_home_that_is_deleted_ends_the_sweep_in_one_line_and_does_not_come_back(workplace: Path) -> None:
    home = workplace / "sweeps"
    ended = disturb_console_script(*LONG, cwd=workplace, at="after epoch", disturb=lambda _: _delete(home))
    assert ended.code == 1
    assert ended.err.startswith("error: sweeps/small-")
    assert ended.err.endswith(": the sweep's folder is gone; nothing more is written\n")
    assert not home.exists()


def _delete(home: Path) -> None:
    """Delete a folder at one moment, while others write in it: a removal file by file may meet a new one at its end."""
    shutil.rmtree(home.rename(home.with_name("deleted")))


@pytest.fixture(scope="module")
def disk(place: Path, sweep: Swept) -> Path:
    """The folder in which the sweep of the file ran on a disk with room for a part of it, and resumed with more.

    What was printed is in it, and the home is in `roomy`.
    """
    skip_without_mounts()
    (place / "disk").mkdir()
    script = FILL_UP.replace("sweeper ", f"{CONSOLE_SCRIPT} ")
    subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=place, env=environment(), check=True, timeout=600)
    return place


class TestFullDisk:
    def test_it_ends_in_one_line_that_says_where_how_much_is_free_and_how_to_go_on(self, disk: Path) -> None:
        (line,) = (disk / "full.err").read_text().splitlines()
        folder = the_only_sweep(disk / "roomy")
        assert (disk / "full.code").read_text() == "1\n"
        assert line.startswith("error: no space left on device: ")
        assert f"disk/{folder.name}" in line
        assert f"B free); make room; then go on with: sweeper resume {folder.name} --home disk" in line

    def test_the_resumed_sweep_is_the_one_that_always_had_room(self, disk: Path, sweep: Swept) -> None:
        assert ((disk / "resumed.code").read_text(), (disk / "resumed.err").read_text()) == ("0\n", "")
        resumed = Swept(sweep.ended, the_only_sweep(disk / "roomy"))
        assert run_facts(resumed) == run_facts(sweep)
        assert measured(resumed) == measured(sweep)
