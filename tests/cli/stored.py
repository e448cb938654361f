"""A home on disk brought to an object store, as drivers and workers would have left it there."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from sweeper.remote.objects import Objects
from sweeper.remote.opening import open_objects
from sweeper.remote.snapshot import TrialCopy
from sweeper.remote.trial_objects import TrialObjects
from sweeper.search.pieces import Pieces


def store(home: Path, url: str) -> None:
    """Put every sweep of a home into an empty place of a store."""
    objects = open_objects(url)
    for folder in sorted(home.iterdir()):
        sweep = objects.below(folder.name)
        sweep.put("sweep.yaml", (folder / "sweep.yaml").read_bytes())
        if journal := (folder / "study.journal").read_bytes():
            study = Pieces(sweep)
            study.load()
            study.replace(journal)
        for trial in sorted((folder / "trials").glob("*")):
            _store_trial(trial, sweep.below("trials").below(trial.name))


def _store_trial(trial: Path, objects: Objects) -> None:
    with TemporaryDirectory() as scratch:
        copy = TrialCopy(objects, Path(scratch))
        copy.claim()
        shutil.copytree(trial, scratch, dirs_exist_ok=True)
        copy.push()


def contents_of(url: str) -> dict[str, bytes]:
    """Return every object below a place by its key."""
    objects = open_objects(url)
    found = {key: objects.read(key) for key in sorted(objects.keys())}
    return {key: one.content for key, one in found.items() if one is not None}


def bring(objects: Objects, folder: Path) -> Path:
    """Bring a whole sweep from a store into an empty folder, as it would lie on a disk; return the folder."""
    for key in objects.here():
        objects.fetch(key, folder / key)
    (folder / "study.journal").write_bytes(Pieces(objects).load())
    for trial in objects.below("trials").folders():
        place, copy = objects.below("trials").below(trial), folder / "trials" / trial
        copy.mkdir(parents=True)
        stored = TrialObjects(place)
        stored.read()
        TrialCopy(place, copy).fetch(stored.files)
    return folder
