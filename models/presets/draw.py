"""DRAW (Gregor et al. 2015), with and without attention."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from models.backbones.linear import Linear
from models.conditions import Condition, Unconditional
from models.depth import Depth
from models.draw import Draw
from models.generative import GenerativeModel
from models.likelihoods import Bernoulli, Likelihood
from models.presets.base import Model
from models.recurrent import LSTM, AttentiveReader, AttentiveWriter, WholeReader, WholeWriter
from models.registry import register
from models.shapes import ImageShape


@register("draw")
@dataclass(frozen=True, kw_only=True)
class DRAW(Model):
    """DRAW without attention (Gregor et al. 2015): a recurrent VAE that draws on a canvas, step by step.

    The paper has 64 steps of 100 latent variables; training time is in proportion to the steps.
    """

    latent_dim: Annotated[int, Ge(1)] = 20
    """Number of latent variables of each step."""
    steps: Depth = 10
    """How often the canvas is written on."""
    hidden: Annotated[int, Ge(1)] = 256
    """Size of the state of each LSTM."""
    read_size: Annotated[int, Ge(0)] = 0
    """The encoder sees the image through so many by so many filters; with 0 it sees the whole."""
    write_size: Annotated[int, Ge(0)] = 0
    """The decoder writes through so many by so many filters; with 0 it writes on the whole canvas."""
    likelihood: Likelihood = field(default_factory=Bernoulli)
    """Distribution of an image given the last canvas."""
    condition: Condition = field(default_factory=Unconditional)
    """What the model is told about an image."""

    def compose(self, shape: ImageShape, classes: int = 0) -> GenerativeModel:
        """Return the recurrent autoencoder."""
        return self.autoencoder(shape, classes)

    def autoencoder(self, shape: ImageShape, classes: int = 0) -> Draw:
        """Return the two LSTMs with reader and writer."""
        conditioning = self.condition.bind(shape, classes)
        reader = self._reader(shape)
        return Draw(
            reader=reader,
            encoder=LSTM(reader.outputs + self.hidden + conditioning.size, self.hidden),
            posterior=Linear(self.hidden, 2 * self.latent_dim),
            decoder=LSTM(self.latent_dim + conditioning.size, self.hidden),
            writer=self._writer(shape._replace(channels=self.likelihood.raw_channels(shape.channels))),
            likelihood=self.likelihood,
            steps=self.steps,
            conditioning=conditioning,
        )

    def _reader(self, shape: ImageShape) -> WholeReader | AttentiveReader:
        return AttentiveReader(shape, self.read_size, self.hidden) if self.read_size else WholeReader(shape)

    def _writer(self, canvas: ImageShape) -> WholeWriter | AttentiveWriter:
        return (
            AttentiveWriter(canvas, self.write_size, self.hidden)
            if self.write_size
            else WholeWriter(canvas, self.hidden)
        )


@register("draw_attention")
@dataclass(frozen=True, kw_only=True)
class DRAWWithAttention(DRAW):
    """DRAW with attention (Gregor et al. 2015): reads and writes through movable grids of Gaussian filters."""

    read_size: Annotated[int, Ge(0)] = 2
    write_size: Annotated[int, Ge(0)] = 5
