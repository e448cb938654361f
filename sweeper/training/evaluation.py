"""The yardstick: measures that mean the same for every trial of a sweep.

Training losses with different k or beta are not comparable, so a sweep ranks by an importance-weighted bound on
log p(x) with one k (Burda et al. 2016, arXiv 1509.00519, eq. 8). Every trial is measured on the same images, in the
same binarization, with the same noise: what differs between two trials is then the trials.
"""

import torch
from torch import Tensor

from models import LatentVariableModel, importance_weighted_bound
from sweeper.seeds import derive_seed
from sweeper.training.data import Images, Split
from sweeper.training.job import Evaluation, Precision

METRICS = ("val/nll",)
"""What a sweep may rank by."""


class Evaluator:
    """Measures models on the held-out splits of one data set."""

    def __init__(self, images: Images, model: LatentVariableModel, evaluation: Evaluation) -> None:
        self._images = images
        self._model = model
        self._evaluation = evaluation
        self._validation = self._prepare("validation", images.validation, evaluation.validation)

    def validate(self) -> dict[str, float]:
        """Return ``val/nll``, the negated bound in nats per image, and its parts at one sample."""
        precision = self._evaluation.validation
        self._model.eval()
        with torch.inference_mode():
            terms = self._model.terms(self._validation, 1, self._generator("validation"))
            reconstruction, kl = -terms.log_likelihood.mean(), terms.kl.mean()
        return {
            "val/nll": self._nll(self._validation, precision.k, "validation"),
            "val/reconstruction": reconstruction.item(),
            "val/kl": kl.item(),
        }

    def test(self, precision: Precision) -> dict[str, float]:
        """Return ``test/nll``. To be called once per final, with the weights that validation chose."""
        self._model.eval()
        images = self._prepare("test", self._images.test, precision)
        return {"test/nll": self._nll(images, precision.k, "test")}

    def training_images(self) -> Tensor:
        """Return the training images, uint8 [N, C, H, W], drawn once and for all where the likelihood wants that."""
        likelihood, images = self._model.likelihood, self._images.train.images
        return images if likelihood.redraws else likelihood.fix(images, self._generator("binarization", "train"))

    @property
    def examples(self) -> Tensor:
        """Validation images as the model sees them, float [N, C, H, W]."""
        return self._validation

    def _nll(self, images: Tensor, k: int, purpose: str) -> float:
        return -importance_weighted_bound(self._model, images, k, self._generator(purpose)).mean().item()

    def _prepare(self, purpose: str, split: Split, precision: Precision) -> Tensor:
        """Return the images of a split as the likelihood wants them, drawn once and for all where it draws."""
        generator = self._generator("binarization", purpose)
        likelihood = self._model.likelihood
        return likelihood.preprocess(likelihood.fix(split.images[: precision.images], generator), generator)

    def _generator(self, *purpose: str) -> torch.Generator:
        """Return the noise of a purpose: the same in every trial of every sweep."""
        device = self._images.train.images.device
        return torch.Generator(device).manual_seed(derive_seed("evaluation", *purpose))
