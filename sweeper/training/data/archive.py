"""Data sets that are distributed as one archive of several files."""

import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from sweeper.errors import UsageError


def members(archive: Path, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the files of these names in a .tar.gz, open to be read, in the order in which they lie there.

    They are read out of the archive as it is unpacked, so that nothing is written.

    Raises:
        UsageError: it cannot be read as an archive.

    """
    try:
        with tarfile.open(archive, "r|gz") as files:
            for member in files:
                file = files.extractfile(member) if member.name in names else None
                if file is not None:
                    yield member.name, file
    except (OSError, EOFError, tarfile.TarError) as error:
        raise UsageError(f"cannot read {archive}: {' '.join(str(error).split())}") from error
