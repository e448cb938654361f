"""Options that several commands share, each declared once."""

from pathlib import Path
from typing import Annotated

import typer

HomeName = Annotated[
    str,
    typer.Option(
        "--home",
        envvar="SWEEPER_HOME",
        help="What holds all sweeps: a folder, or s3://BUCKET/FOLDER.",
        show_default=True,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", envvar="SWEEPER_DATA", help="Folder with the data sets, laid out as torchvision does."),
]
Address = Annotated[
    str | None,
    typer.Option("--address", help="Ray cluster to run on ('auto' finds a running one). Default: a local one."),
]
TrackingURI = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        envvar="MLFLOW_TRACKING_URI",
        help="MLflow store or server; 'none' tracks nothing. Default: SQLite in the home, if that is a folder.",
    ),
]
Study = Annotated[
    str | None,
    typer.Option(
        "--study",
        envvar="SWEEPER_STUDY",
        help="PostgreSQL database that has the study: postgresql://USER@HOST/NAME. Default: the home has it.",
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change any value of the file; may be given several times."),
]
Widened = Annotated[
    Path | None,
    typer.Option("--with", metavar="FILE", help="The sweep as it is to go on, where that has changed."),
]
AsJSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
SweepName = Annotated[str, typer.Argument(metavar="SWEEP", help="Folder name, an unambiguous part of it, or 'latest'.")]

DEFAULT_HOME = "sweeps"
