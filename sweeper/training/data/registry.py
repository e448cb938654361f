"""The data sets by the names they have in the YAML."""

from collections.abc import Mapping
from types import MappingProxyType

from sweeper.errors import UsageError
from sweeper.spec.values import not_allowed
from sweeper.training.data.binarized_mnist import BinarizedMnist
from sweeper.training.data.cifar10 import Cifar10
from sweeper.training.data.digits import Digits
from sweeper.training.data.images import Dataset
from sweeper.training.data.mnist import FashionMnist, Mnist
from sweeper.training.data.stl10 import Stl10
from sweeper.training.data.svhn import Svhn
from sweeper.training.data.synthetic import Synthetic

_DATASETS: Mapping[str, type[Dataset]] = MappingProxyType(
    {
        "digits": Digits,
        "mnist": Mnist,
        "fashion_mnist": FashionMnist,
        "binarized_mnist": BinarizedMnist,
        "svhn": Svhn,
        "cifar10": Cifar10,
        "stl10": Stl10,
        "synthetic": Synthetic,
    }
)


class UnknownDatasetError(UsageError, ValueError):
    """A name that no data set has."""


def names() -> tuple[str, ...]:
    """Return the names of all data sets."""
    return tuple(_DATASETS)


def name_of(dataset: Dataset) -> str:
    """Return the name that a data set has in the YAML; its class's name where it has none."""
    return next((name for name, kind in _DATASETS.items() if type(dataset) is kind), type(dataset).__name__)


def find(name: str) -> type[Dataset]:
    """Return the data set called `name`: a frozen dataclass whose annotated fields are its keys in the YAML.

    Raises:
        UnknownDatasetError: there is none; the message says which there are, and which was probably meant.

    """
    if name in _DATASETS:
        return _DATASETS[name]
    raise UnknownDatasetError(not_allowed(name, _DATASETS))
