"""Where a sweep's journal is kept beside its folder, and how a folder of somebody who only reads gets it from there."""

from pathlib import Path

from sweeper.files import write_atomically
from sweeper.remote.homes import STUDY
from sweeper.remote.objects import Objects
from sweeper.remote.working_copy import WorkingCopy
from sweeper.search.backup import BackedUp
from sweeper.search.pieces import Pieces, is_piece, joined
from sweeper.search.postgres import PostgresReplica
from sweeper.search.replica import Replica, Tell
from sweeper.search.storage import JOURNAL


def open_replica(store: Objects | None, study_url: str | None, sweep: str, tell: Tell) -> Replica | None:
    """Return the replica of a sweep's journal; ``None`` where there is neither an object store nor a database.

    With both, the database has the journal and the store its backup. Nothing is connected to yet.

    Args:
        store: the objects of the sweep, where its home is in an object store.
        study_url: the URL of a database, which may have a password in it.
        sweep: the name of the sweep, by which the database knows it.
        tell: what takes the line that says where a place lacked something, which it has from another one now.

    Raises:
        UsageError: the URL is none of PostgreSQL's.

    """
    if study_url is None:
        return None if store is None else Pieces(store, tell)
    database = PostgresReplica(study_url, sweep, tell)
    return database if store is None else BackedUp(database, Pieces(store))


def fetch_journal(folder: Path, store: Objects) -> None:
    """Bring the journal in ``folder``, the copy of somebody who only reads, up to date; nothing where there is none.

    Only those pieces are fetched that have changed. Of a study in a database they are the backup, a moment behind.
    """
    pieces, path = folder / STUDY, folder / JOURNAL
    pieces.mkdir(parents=True, exist_ok=True)
    WorkingCopy(store.below(STUDY), pieces, is_piece).pull()
    content = joined(piece.read_bytes() for piece in sorted(pieces.iterdir()) if is_piece(piece.name))
    if content and not (path.exists() and path.read_bytes() == content):
        write_atomically(path, content)
