"""The commands that show what a trained model has learned. Like all others they import what they need when called."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sweeper.cli.options import AsJSON, DataDir
from sweeper.cli.source import Output, Source

commands = typer.Typer()

Trained = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A configuration with its weights beside it, as 'sweeper export' writes them, or a trial's folder.",
    ),
]
Picture = Annotated[Path, typer.Option("-o", "--output", help="The PNG file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Decides which images are taken, and all draws.")]
Count = Annotated[int, typer.Option("-n", min=1, help="How many images.")]


@commands.command()
def sample(
    file: Trained,
    count: Count = 64,
    labels: Annotated[
        list[int] | None,
        typer.Option("--label", metavar="CLASS", help="Of a class; may be given several times. Default: of all."),
    ] = None,
    output: Picture = Path("samples.png"),
    force: Force = False,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Draw new images."""
    from sweeper.cli.pictures import sample_file

    sample_file(Source(file, data_dir, seed), Output(output, force), count, labels or [])


@commands.command()
def reconstruct(
    file: Trained,
    count: Count = 32,
    output: Picture = Path("reconstructions.png"),
    force: Force = False,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Draw validation images, and below them what the model makes of them."""
    from sweeper.cli.pictures import reconstruct_file

    reconstruct_file(Source(file, data_dir, seed), Output(output, force), count)


@commands.command()
def interpolate(
    file: Trained,
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="How many pairs of ends, one in each column.")] = 6,
    step: Annotated[float, typer.Option("--step", min=0.001, max=1.0, help="From one row to the next.")] = 0.2,
    spherical: Annotated[bool, typer.Option("--spherical", help="Along the arc, not straight.")] = False,
    from_images: Annotated[bool, typer.Option("--from-images", help="Between images, not between draws.")] = False,
    output: Picture = Path("interpolations.png"),
    force: Force = False,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Draw the images on the way from one latent vector to another."""
    from sweeper.cli.pictures import interpolate_file

    how: Literal["linear", "spherical"] = "spherical" if spherical else "linear"
    interpolate_file(Source(file, data_dir, seed), Output(output, force), pairs, step, how, from_images)


@commands.command()
def complete(
    file: Trained,
    count: Count = 8,
    observed: Annotated[
        str | None, typer.Option("--observed", metavar="PART", help="What is seen: top, left, 1_quadrant, ...")
    ] = None,
    output: Picture = Path("completions.png"),
    force: Force = False,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Draw validation images of which only a part is seen, completed by the model."""
    from sweeper.cli.pictures import complete_file

    complete_file(Source(file, data_dir, seed), Output(output, force), count, observed)


@commands.command()
def blend(
    file: Trained,
    first: Annotated[int, typer.Option("--first", metavar="CLASS", help="The class of the first images.")],
    second: Annotated[int, typer.Option("--second", metavar="CLASS", help="The class of the second images.")],
    weight: Annotated[float, typer.Option("--weight", min=0.0, max=1.0, help="Of the first latent vector.")] = 0.6,
    flip: Annotated[
        str | None,
        typer.Option(
            "--flip", metavar="WHICH", help="Negate second latent vectors: of the images that are dark, or all."
        ),
    ] = None,
    count: Count = 8,
    output: Picture = Path("blends.png"),
    force: Force = False,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Draw test images of two classes, and the images between them."""
    from sweeper.cli.pictures import blend_file

    blend_file(Source(file, data_dir, seed), Output(output, force), (first, second), weight, flip, count)


@commands.command()
def restyle(
    file: Trained,
    count: Count = 8,
    output: Picture = Path("restyled.png"),
    force: Force = False,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Draw validation images in every class, by a model that is told the class."""
    from sweeper.cli.pictures import restyle_file

    restyle_file(Source(file, data_dir, seed), Output(output, force), count)


@commands.command()
def scatter(
    file: Trained,
    dimensions: Annotated[int, typer.Option("--dimensions", min=2, max=3, help="Axes of the plot.")] = 2,
    output: Picture = Path("scatter.png"),
    force: Force = False,
    seed: Seed = 0,
    data_dir: DataDir = None,
) -> None:
    """Plot where the validation images lie among the latent variables, coloured by class."""
    from sweeper.cli.latents import scatter_file

    scatter_file(Source(file, data_dir, seed), Output(output, force), dimensions)


@commands.command()
def variance(file: Trained, as_json: AsJSON = False, seed: Seed = 0, data_dir: DataDir = None) -> None:
    """Print how much each latent variable varies over the validation images."""
    from sweeper.cli.latents import variance_file

    variance_file(Source(file, data_dir, seed), as_json)
