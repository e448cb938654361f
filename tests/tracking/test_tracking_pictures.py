"""MLflow's UI steps through the pictures of a trial, also of one that runs: each is there once, whatever happens.

Protects against names that the UI does not read, and against `log_image`, which draws a new name at every attempt.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from fabricated_folder import METRICS, Folder, line
from flaky import Flaky
from PIL import Image

from sweeper.tracking import default_uri
from sweeper.tracking.mirror import sync
from sweeper.tracking.pictures import find_pictures

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

NAME = re.compile(r"images/(?P<key>[^+]+)\+step\+(?P<step>\d+)\+timestamp\+(?P<time>\d+)\+[0-9a-f-]{36}(?P<end>.*)")
"""How the UI of MLflow 3 reads the name of an image."""
ENDS = (".png", "+compressed.webp")


def run_of(client: Any, folder: Folder, number: int = 0) -> Any:
    """Return MLflow's run of a trial."""
    experiment = client.get_experiment_by_name(folder.name)
    tags = f"tags.`sweeper.sweep` = '{folder.path.name}' AND tags.`sweeper.trial` = '{number}'"
    (run,) = client.search_runs([experiment.experiment_id], tags)
    return run


def images(client: Any, folder: Folder, number: int = 0) -> list[str]:
    """Return the names of the images of a trial."""
    return sorted(entry.path for entry in client.list_artifacts(run_of(client, folder, number).info.run_id, "images"))


def steps(names: list[str]) -> list[tuple[str, int, str]]:
    """Return key, step and ending of images."""
    parsed = [NAME.fullmatch(name) for name in names]
    return [(found["key"], int(found["step"]), found["end"]) for found in parsed if found]


def test_pictures_of_a_running_trial_are_images_that_the_ui_steps_through(home, client, mirror):
    folder = Folder(home)
    live = mirror(folder)
    folder.begin()
    folder.picture(0, "samples", 1, shade=40)
    folder.epochs(0, 1)
    assert live.synchronise()
    assert steps(images(client, folder)) == [("samples", 1, end) for end in reversed(ENDS)]
    folder.picture(0, "samples", 2)
    folder.picture(0, "latents", 2)
    assert live.synchronise()
    expected = {(key, step, end) for key, step in (("samples", 1), ("samples", 2), ("latents", 2)) for end in ENDS}
    assert set(steps(images(client, folder))) == expected
    assert len(images(client, folder)) == len(expected)
    run = run_of(client, folder)
    assert (run.info.status, run.data.tags["mlflow.loggedImages"]) == ("RUNNING", "True")


def test_images_are_named_as_mlflow_names_its_own(home, client, mirror):
    folder = Folder(home)
    folder.begin()
    folder.picture(0, "samples", 12)
    mirror(folder).synchronise()
    own = client.create_run(client.create_experiment("own")).info.run_id
    client.log_image(own, Image.new("L", (466, 116)), key="samples", step=12)
    logged = [entry.path for entry in client.list_artifacts(own, "images")]
    assert set(steps(logged)) == set(steps(images(client, folder)))
    tag = "mlflow.loggedImages"
    assert client.get_run(own).data.tags[tag] == run_of(client, folder).data.tags[tag]


def test_the_image_is_the_picture_and_its_copy_is_small(home, client, mirror, tmp_path):
    folder = Folder(home)
    folder.begin()
    picture = folder.picture(0, "samples", 1, shade=40)
    mirror(folder).synchronise()
    downloaded = Path(client.download_artifacts(run_of(client, folder).info.run_id, "images", str(tmp_path)))
    (small,), (whole,) = downloaded.glob("*.webp"), downloaded.glob("*.png")
    assert whole.read_bytes() == picture.read_bytes()
    with Image.open(small) as copy:
        assert copy.size == (256, 64)
        assert copy.getpixel((100, 30)) == pytest.approx((40, 40, 40), abs=3)


def test_rebuilt_from_disk_images_have_the_names_they_had(home, client, mirror):
    folder = Folder(home)
    live = mirror(folder)
    folder.begin()
    for epoch in (1, 2):
        folder.picture(0, "samples", epoch)
        live.synchronise()
    followed = images(client, folder)
    live.close()
    client.set_tag(run_of(client, folder).info.run_id, "sweeper.sweep", "another")
    sync(folder.path, default_uri(home))
    assert images(client, folder) == followed


def test_each_picture_is_sent_once_and_one_that_was_drawn_again_replaces_the_first(home, client, mirror):
    folder = Folder(home)
    spy = Flaky(client, lambda number: False, RuntimeError())
    live = mirror(folder, connect=spy.connect)
    folder.begin()
    folder.picture(0, "samples", 1, shade=40)
    folder.picture(0, "latents", 1)
    for epoch in (1, 2, 3):
        folder.epochs(0, epoch)
        assert live.synchronise()
    assert spy.calls.count("log_artifacts") == 1
    before = images(client, folder)
    folder.picture(0, "samples", 1, shade=200)
    live.synchronise()
    assert images(client, folder) == before
    shades = set()
    for path in (home / "mlartifacts").rglob("samples+*.png"):
        with Image.open(path) as picture:
            shades.add(picture.getpixel((0, 0)))
    assert shades == {200}


def test_an_epoch_that_a_resumed_trial_repeats_has_no_second_image(home, client, mirror):
    """Its line in the curve has another time then."""
    folder = Folder(home)
    first = mirror(folder)
    folder.begin()
    folder.picture(0, "samples", 1)
    folder.epochs(0, 1)
    first.synchronise("interrupted")
    first.close()
    before = images(client, folder)
    curve = folder.trial(0) / "metrics.jsonl"
    curve.write_text(line(1, dict.fromkeys(METRICS, 100.0), later=999.0))
    folder.picture(0, "samples", 1)
    assert mirror(folder).synchronise()
    assert images(client, folder) == before


def test_what_is_no_whole_picture_of_an_epoch_is_left_alone(tmp_path):
    folder = Folder(tmp_path)
    folder.begin()
    folder.picture(0, "samples", 3)
    pictures = folder.trial(0) / "pictures"
    for name in ("samples/0004.png.1a2b.new", "samples/notes.png", "samples/0005.txt", "0006.png"):
        (pictures / name).write_bytes(b"half")
    assert find_pictures(folder.trial(0)) == ("pictures/samples/0003.png",)
    assert find_pictures(tmp_path) == ()
