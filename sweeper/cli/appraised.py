"""What `evaluate` finds out about a model, as tables and as JSON."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from sweeper.analysis import Table
from sweeper.analysis.formatting import fixed, significant
from sweeper.comparability import Key
from sweeper.training.measures.latents import ACTIVE

NOTHING = "-"
DECIMALS = 3
"""Of two estimates of one number, whose difference is looked at."""


@dataclass(frozen=True)
class Value:
    """A measured value; which others it may be ranked against, if it may be."""

    value: float
    key: Key | None = None

    @property
    def comparable(self) -> str:
        """The key in words."""
        parts = {} if self.key is None else self.key.to_json()
        return "; ".join(f"{part} {value}" for part, value in parts.items() if value) or NOTHING


@dataclass(frozen=True)
class Latent:
    """A latent variable: how much of it is used."""

    kl: float
    variance: float | None = None
    """Of its posterior mean over the images; None of what is no Gaussian."""

    @property
    def active(self) -> bool | None:
        """Whether the variance is more than `ACTIVE`."""
        return None if self.variance is None else self.variance > ACTIVE

    @property
    def cells(self) -> tuple[str, str, str]:
        """KL, variance, and whether it is active."""
        if self.variance is None:
            return significant(self.kl), NOTHING, NOTHING
        return significant(self.kl), significant(self.variance), "yes" if self.active else "no"


@dataclass(frozen=True)
class CrossCheck:
    """The negated log-density of some images, estimated in two ways."""

    images: int
    nll_ais: float
    standard_error: float
    """That of ``nll_ais`` for these images, by the spread over the chains."""
    nll: float
    """By the importance-weighted bound, for the same images."""
    acceptance: float
    """The share of proposals that were accepted."""

    @property
    def table(self) -> Table:
        """Both estimates, one below the other."""
        spread, accepted = significant(self.standard_error), significant(self.acceptance)
        rows = (
            ("nll_ais", fixed(self.nll_ais, DECIMALS), spread, accepted),
            ("nll", fixed(self.nll, DECIMALS), NOTHING, NOTHING),
        )
        return Table((f"of the first {self.images} images", "value", "standard error", "acceptance"), rows)


@dataclass(frozen=True)
class Appraised:
    """All that was measured of a model."""

    split: str
    images: int
    measures: dict[str, Value]
    latents: dict[str, Latent]
    """By name; empty where the model has no encoder."""
    ais: CrossCheck | None

    def tables(self) -> Iterator[Table]:
        """Yield what there is to print."""
        rows = tuple((name, significant(found.value), found.comparable) for name, found in self.measures.items())
        yield Table((f"{self.split}, {self.images} images", "value", "may be ranked where the same is"), rows)
        if self.latents:
            headings = ("latent variable", "KL", "variance of the mean", "active")
            yield Table(headings, tuple((name, *latent.cells) for name, latent in self.latents.items()))
        if self.ais is not None:
            yield self.ais.table

    def to_json(self) -> dict[str, object]:
        """Return the same as plain values."""
        latents = {name: asdict(latent) | {"active": latent.active} for name, latent in self.latents.items()}
        return asdict(self) | {"latents": latents}
