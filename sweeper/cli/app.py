"""The commands. Each imports what it needs when it is called, so that `sweeper --help` stays quick."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sweeper.cli.cluster.commands import commands as cluster_commands
from sweeper.cli.options import (
    DEFAULT_HOME,
    Address,
    AsJSON,
    DataDir,
    HomeName,
    Overrides,
    Study,
    SweepName,
    TrackingURI,
    Widened,
)
from sweeper.cli.picture_commands import Trained
from sweeper.cli.picture_commands import commands as picture_commands
from sweeper.cli.source import Source
from sweeper.cli.surroundings import Surroundings
from sweeper.remote.homes import open_home

app = typer.Typer(
    help="From one YAML file to an honest answer about which generative model wins.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

SweepFile = Annotated[Path, typer.Argument(metavar="FILE", help="The sweep, as YAML.")]


@app.command()
def run(
    file: SweepFile,
    overrides: Overrides = None,
    home: HomeName = DEFAULT_HOME,
    data_dir: DataDir = None,
    address: Address = None,
    tracking_uri: TrackingURI = None,
    study: Study = None,
) -> None:
    """Run the sweep in FILE and print its verdict."""
    from sweeper.cli.sweeping import begin

    begin(file, overrides or [], Surroundings(open_home(home), tracking_uri, data_dir, address, study))


@app.command()
def resume(
    sweep: SweepName,
    file: Widened = None,
    overrides: Overrides = None,
    home: HomeName = DEFAULT_HOME,
    data_dir: DataDir = None,
    address: Address = None,
    tracking_uri: TrackingURI = None,
    study: Study = None,
) -> None:
    """Go on with a sweep that was interrupted, or with more of it: more trials, new options, wider ranges."""
    from sweeper.cli.sweeping import go_on

    go_on(sweep, file, overrides or [], Surroundings(open_home(home), tracking_uri, data_dir, address, study))


@app.command()
def check(file: SweepFile, overrides: Overrides = None, data_dir: DataDir = None) -> None:
    """Validate FILE, build every branch of it, and train one step of each arm."""
    from sweeper.cli.checking import check_file

    check_file(file, overrides or [], data_dir)


@app.command("list")
def list_(home: HomeName = DEFAULT_HOME, as_json: AsJSON = False) -> None:
    """List the sweeps in the home."""
    from sweeper.cli.showing import list_sweeps

    list_sweeps(open_home(home), as_json)


@app.command()
def show(sweep: SweepName, home: HomeName = DEFAULT_HOME, as_json: AsJSON = False) -> None:
    """Show a sweep: its trials, its arms, its verdict."""
    from sweeper.cli.showing import show_sweep

    show_sweep(sweep, open_home(home), as_json)


@app.command()
def compare(
    sweeps: Annotated[list[str], typer.Argument(metavar="SWEEP...", help="Sweeps, each named as for 'show'.")],
    home: HomeName = DEFAULT_HOME,
    as_json: AsJSON = False,
) -> None:
    """Rank the arms of several sweeps side by side, with a verdict on all of them."""
    from sweeper.cli.comparing import compare_sweeps

    compare_sweeps(sweeps, open_home(home), as_json)


@app.command()
def export(
    sweep: SweepName,
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")] = Path("best.yaml"),
    arm: Annotated[str | None, typer.Option("--arm", help="The arm to export; default: the best one.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    no_weights: Annotated[bool, typer.Option("--no-weights", help="Write the configuration alone.")] = False,
    home: HomeName = DEFAULT_HOME,
) -> None:
    """Write the best configuration, complete, with where it came from, and its weights beside it."""
    from sweeper.cli.showing import export_sweep

    export_sweep(sweep, output, arm, force, not no_weights, open_home(home))


@app.command()
def train(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A configuration, as 'sweeper export' writes it.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The folder to train in.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Check that the recorded metric is reached again.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Train an exported configuration again."""
    from sweeper.cli.training import train_file

    train_file(file, output, replay, data_dir)


@app.command()
def evaluate(
    file: Trained,
    split: Annotated[
        Literal["validation", "test"],
        typer.Option("--split", help="The images to measure on. Those of test are to be looked at once, at the end."),
    ] = "validation",
    k: Annotated[int, typer.Option("--k", min=1, help="Importance samples of nll.")] = 100,
    images: Annotated[int | None, typer.Option("--images", min=1, help="The first so many. Default: all.")] = None,
    ais: Annotated[
        bool, typer.Option("--ais", help="Check nll by annealed importance sampling, which is slow and tight.")
    ] = False,
    ais_images: Annotated[int, typer.Option("--ais-images", min=1, help="For --ais: the first so many images.")] = 100,
    ais_steps: Annotated[int, typer.Option("--ais-steps", min=1, help="For --ais: temperatures.")] = 500,
    ais_chains: Annotated[int, typer.Option("--ais-chains", min=2, help="For --ais: chains for each image.")] = 16,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides the draws of --ais; all others are fixed.")] = 0,
    as_json: AsJSON = False,
    data_dir: DataDir = None,
) -> None:
    """Print every measure of a trained model, as sweeps measure it, and which latent variables it uses."""
    from sweeper.cli.evaluating import Annealing, evaluate_file
    from sweeper.training.job import Precision

    annealing = Annealing(ais_images, ais_steps, ais_chains) if ais else None
    evaluate_file(Source(file, data_dir, seed), split, Precision(k, images), annealing, as_json)


@app.command()
def sync(sweep: SweepName, home: HomeName = DEFAULT_HOME, tracking_uri: TrackingURI = None) -> None:
    """Send to MLflow what a sweep has and MLflow lacks, after an outage or to another server."""
    from sweeper.cli.showing import sync_sweep

    sync_sweep(sweep, Surroundings(open_home(home), tracking_uri))


@app.command()
def prune(
    sweep: SweepName,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="NAME=VALUE",
            help="best_of_sweep, last or quota of sweep.checkpoints, in place of what the sweep's file says.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; list what would be.")] = False,
    home: HomeName = DEFAULT_HOME,
    as_json: AsJSON = False,
) -> None:
    """Remove the checkpoints of a sweep that its policy, or another one, does not keep."""
    from sweeper.cli.pruning import prune_sweep

    prune_sweep(sweep, keep or [], dry_run, as_json, open_home(home))


@app.command()
def ui(
    home: HomeName = DEFAULT_HOME,
    tracking_uri: TrackingURI = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on the loopback address.")] = 5000,
) -> None:
    """Open the MLflow UI on the sweeps of the home, on the loopback address."""
    from sweeper.cli.showing import open_ui

    open_ui(Surroundings(open_home(home), tracking_uri), port)


@app.command()
def models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A model, a kind of part such as backbone, or backbone.conv.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """List the models, or say what a file may set of one, or of the parts of models."""
    from sweeper.cli.catalogue import print_catalogue

    print_catalogue(name, as_json)


app.add_typer(picture_commands)
app.add_typer(cluster_commands, name="cluster")
