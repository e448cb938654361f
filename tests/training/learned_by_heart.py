"""Models that draw from images they were given, so that it is known how good their samples are."""

import torch
from torch import Tensor

from models import Batch, GenerativeModel
from models.conditions import Conditioning, LabelConditioning, Unconditioned
from models.spaces import ImageSpace, UnitInterval
from sweeper.training.data import Images
from sweeper.training.job import Precision
from sweeper.training.measures import Subject


class Drawing(GenerativeModel):
    """Draws images from a pool, with noise added."""

    latent_dim = 1

    def __init__(
        self,
        pool: Tensor,
        noise: float = 0.0,
        space: ImageSpace | None = None,
        conditioning: Conditioning | None = None,
    ) -> None:
        super().__init__()
        self.pool, self.noise = pool, noise
        self.conditioning = conditioning or Unconditioned()
        self.used_space = space or UnitInterval()
        self.told: list[Tensor | None] = []
        self.drawn = 0

    @property
    def space(self) -> ImageSpace:
        return self.used_space

    def mean(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        raise NotImplementedError

    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        self.drawn += n
        self.told.append(context)
        x = self.pool[torch.randint(len(self.pool), (n,), generator=generator)]
        return x + self.noise * torch.randn(x.shape, generator=generator)


class Labelled(Drawing):
    """Draws an image of the class that it is told."""

    def __init__(self, pool: Tensor, labels: Tensor, space: ImageSpace | None = None) -> None:
        super().__init__(pool, space=space, conditioning=LabelConditioning(10))
        self.labels = labels

    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        assert context is not None
        self.told.append(context)
        drawn = [(self.labels == label).nonzero().squeeze(-1) for label in context.argmax(-1)]
        turns = torch.rand(n, generator=generator)
        return self.pool[torch.stack([index[int(turn * len(index))] for turn, index in zip(turns, drawn, strict=True)])]


def labels_of(images: Images) -> Tensor:
    assert images.train.labels is not None
    return images.train.labels


def pool(images: Images, least: int = 0) -> Tensor:
    """The training images of the classes from some number on."""
    return images.train.images[labels_of(images) >= least] / 255


def subject(model: GenerativeModel, images: Images, count: int | None = None) -> Subject:
    generator = torch.Generator().manual_seed(1)
    held = images.validation
    assert held.labels is not None
    x = model.space.preprocess(model.space.fix(held.images[:count], generator), generator)
    return Subject(
        model=model.eval(),
        batch=Batch(x, held.labels[:count]),
        precision=Precision(1, count),
        ranked_by="fld",
        noise=lambda: torch.Generator().manual_seed(2),
        thorough=True,
    )
