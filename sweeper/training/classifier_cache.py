"""The classifiers of data sets, each trained once on a machine: kept in memory, and in files that are never unpickled.

A file is named by a hash of all that its weights depend on, and holds a checksum of them. Where it is absent or damaged
the classifier is trained again, by one process of a machine while the others wait for it. Where it cannot be written,
each process trains its own.
"""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from models import ImageShape
from sweeper.cache import cache_folder
from sweeper.errors import SweeperError
from sweeper.files import write_atomically
from sweeper.training.classifier import Classifier, Recipe, fingerprint, train_classifier
from sweeper.training.data import Images
from sweeper.training.data.resident import CAPACITY
from sweeper.training.once import by_one_process
from sweeper.training.tensor_files import TensorFile, apart


@lru_cache(maxsize=CAPACITY)
def classifier_of(images: Images, recipe: Recipe = Recipe()) -> Classifier:  # noqa: B008 (it is frozen)
    """Return the frozen classifier of a data set with classes, on the device of its images, in eval mode."""
    path = cache_folder() / "classifiers" / f"{fingerprint(images, recipe)}.safetensors"
    classifier = _read(path, images, recipe) or _made(path, images, recipe)
    return classifier.to(images.train.images.device)


def _made(path: Path, images: Images, recipe: Recipe) -> Classifier:
    """Return the classifier that another process has made in the meantime, else train it and leave it in the file."""
    with by_one_process(path):
        classifier = _read(path, images, recipe)
        if classifier is None:
            classifier = train_classifier(images, recipe)
            with suppress(OSError):
                _write(path, classifier)
    return classifier


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
