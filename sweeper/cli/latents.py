"""`scatter` and `variance`: where a trained model puts images among its latent variables."""

from io import BytesIO
from typing import Any

from rich.console import Console
from torch import Tensor

from models.inference import principal_components, variance_per_dimension
from sweeper.analysis import Table
from sweeper.cli.opening import open_model
from sweeper.cli.source import Output, Source
from sweeper.cli.tables import print_json, print_table
from sweeper.files import write_atomically

COLOURS = "tab10"


def scatter_file(source: Source, output: Output, dimensions: int) -> None:
    """Show the mean latent vectors of all validation images, coloured by class."""
    opened = open_model(source)
    latent_dim = opened.autoencoder.latent_dim
    if latent_dim < dimensions:
        opened.refuse(f"found --dimensions {dimensions}; must be at most {latent_dim}, the latent variables")
    codes, labels = opened.means()
    shown = "latent variable"
    if latent_dim > dimensions:
        codes, shown = principal_components(codes, dimensions), "principal component"
    axes = [f"{shown} {axis} of {latent_dim}" for axis in range(1, dimensions + 1)]
    write_atomically(output.path, _figure(codes, labels, axes))
    Console().print(str(output.path), highlight=False, markup=False, soft_wrap=True)


def variance_file(source: Source, as_json: bool) -> None:
    """Print the variance over all validation images of the mean of each latent variable."""
    codes, _ = open_model(source).means()
    variances = variance_per_dimension(codes).tolist()
    if as_json:
        print_json({"variance": variances})
        return
    rows = tuple((str(number), f"{variance:.4g}") for number, variance in enumerate(variances, start=1))
    print_table(Console(), Table(("latent variable", "variance of the mean"), rows))


def _figure(codes: Tensor, labels: Tensor | None, axes: list[str]) -> bytes:
    """Return a PNG of points [N, 2 or 3]."""
    from matplotlib.figure import Figure  # Needed here alone, and slow to import.

    figure = Figure(figsize=(7, 6), dpi=120, layout="constrained")
    plane: Any = figure.add_subplot(projection="3d" if len(axes) == 3 else None)
    points = plane.scatter(*codes.t().numpy(), c=labels, cmap=COLOURS if labels is not None else None, s=8)
    for name, axis in zip("xyz", axes, strict=False):
        plane.set(**{f"{name}label": axis})
    if labels is not None:
        figure.legend(*points.legend_elements(num=None), title="class", loc="outside left upper")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight")  # Else labels of three axes are cut off.
    return buffer.getvalue()
