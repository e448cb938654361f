"""In the place of ssh: every machine is this one, with a home folder of its own and a session that can be ended."""

import itertools
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path


def main(words: list[str]) -> int:
    if "-N" in words:
        forward([value for option, value in itertools.pairwise(words) if option == "-L"])
    home = os.environ["HOME_THERE"]
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HOME_THERE")}
    own = {**environment, "HOME": home}
    process = subprocess.Popen(words[-1], shell=True, cwd=home, env=own, start_new_session=True)
    with (Path(home) / "sessions").open("a") as sessions:
        sessions.write(f"{process.pid}\n")
    return process.wait()


def forward(forwards: list[str]) -> None:
    """Do so for as long as this process lives."""
    threads = []
    for forwarded in forwards:
        host, port, _, there = forwarded.split(":")
        listener = socket.create_server((host, int(port)))
        threads.append(threading.Thread(target=serve, args=(listener, int(there)), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join()


def serve(listener: socket.socket, port: int) -> None:
    while True:
        near, _ = listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", port))
        except OSError:
            near.close()
            continue
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=copy, args=(source, target), daemon=True).start()


def copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(2**16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
