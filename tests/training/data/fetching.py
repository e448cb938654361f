"""A process that reads a file of a data set, given address, folder and MD5; it prints how long the file is."""

import sys
from pathlib import Path

from sweeper.training.data import download
from sweeper.training.data.files import DataFile

if __name__ == "__main__":
    download.PATIENCE = 600.0  # The server is silent until all processes have begun.
    address, folder, md5 = sys.argv[1:]
    file = DataFile("SET/images", None, md5, lambda: (f"{address}/images",))
    print(len(file.read(Path(folder))))
