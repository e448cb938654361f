"""A trial's pictures as images that MLflow's UI steps through.

That is what `MlflowClient.log_image` with a key and a step makes of an image (MLflow 3): two files below `images/`, the
picture and a small copy of it for the overview, with key, step, time and a UUID in their names, and a tag on the run.
`log_image` draws UUID and time itself, so that a request whose answer is lost would be there twice when it is sent
again. Here both follow from what the picture is of, and sending it again replaces it.
"""

from collections.abc import Iterable
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from sweeper.tracking.content import Content

PICTURES = "pictures"
"""The folder in a trial's folder that has a folder for each kind of picture, with a file for each epoch."""
IMAGES = "images"
"""The folder of artifacts in which the UI looks for images."""
LOGGED_IMAGES = {"mlflow.loggedImages": "True"}
"""The tag of a run that has some."""

_LONGEST_SIDE = 256
"""Pixels of the small copy, as many as MLflow gives it."""


def find_pictures(folder: Path) -> tuple[str, ...]:
    """Return the names of all pictures in a trial's folder, relative to it, such as ``pictures/samples/0001.png``."""
    found = (path for path in folder.glob(f"{PICTURES}/*/*.png") if path.stem.isdecimal())
    return tuple(sorted(path.relative_to(folder).as_posix() for path in found))


def stage(content: Content, names: Iterable[str], folder: Path) -> None:
    """Write the files that MLflow wants of some pictures into ``folder``.

    The time in their names is that of the trial's start, since an epoch that a resumed trial repeats has another one.
    """
    from PIL import Image

    for name in names:
        path = content.folder / name
        stem = image_stem(content, key=path.parent.name, step=int(path.stem))
        (folder / f"{stem}.png").write_bytes(path.read_bytes())
        with Image.open(path) as picture:
            small = picture.convert("RGB")
        small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        small.save(folder / f"{stem}+compressed.webp")


def image_stem(content: Content, key: str, step: int) -> str:
    """Return the file name, without its ending, by which the UI knows key and step of an image."""
    identity = uuid5(NAMESPACE_OID, f"{content.name}/{key}/{step}")
    return f"{key}+step+{step}+timestamp+{content.started}+{identity}"
