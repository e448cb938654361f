"""The classifiers of data sets, each trained once on a machine: kept in memory, and in files that are never unpickled.

A file is named by a hash of all that its weights depend on, and holds a checksum of them. Where it is absent or damaged
the classifier is trained again; processes that do so at the same time write the same file, whole. Where it cannot be
written, each process trains its own.
"""

import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from models import ImageShape
from sweeper.errors import SweeperError
from sweeper.training.classifier import Classifier, Recipe, fingerprint, train_classifier
from sweeper.training.data import Images
from sweeper.training.data.resident import CAPACITY
from sweeper.training.files import write_atomically
from sweeper.training.tensor_files import TensorFile, apart

DEFAULT_FOLDER = Path("~/.cache/sweeper")


def cache_folder() -> Path:
    """Return the folder of what is computed once: the environment's SWEEPER_CACHE, else ~/.cache/sweeper."""
    return Path(os.environ.get("SWEEPER_CACHE") or DEFAULT_FOLDER).expanduser().absolute()


@lru_cache(maxsize=CAPACITY)
def classifier_of(images: Images, recipe: Recipe = Recipe()) -> Classifier:  # noqa: B008 (it is frozen)
    """Return the frozen classifier of a data set with classes, on the device of its images, in eval mode."""
    path = cache_folder() / "classifiers" / f"{fingerprint(images, recipe)}.safetensors"
    classifier = _read(path, images, recipe)
    if classifier is None:
        classifier = train_classifier(images, recipe)
        with suppress(OSError):
            _write(path, classifier)
    return classifier.to(images.train.images.device)


def _read(path: Path, images: Images, recipe: Recipe) -> Classifier | None:
    """Return the classifier in a file; None where there is none, or not the one that was written."""
    try:
        weights = TensorFile.read(path).tensors
    except (OSError, SweeperError):
        return None
    classifier = Classifier(ImageShape(*images.shape), images.classes, recipe)
    classifier.load_state_dict(weights)
    return classifier.eval().requires_grad_(False)


def _write(path: Path, classifier: Classifier) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, TensorFile(apart(classifier.state_dict())).to_bytes())
