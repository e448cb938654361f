"""A proxy before PostgreSQL that cuts the connection after the server has done something, and before it is told."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread

READY = b"Z\x00\x00\x00\x05"
"""How the server says that it has done all that it was asked, and is ready for the next question."""


class CuttingProxy:
    """Passes everything on, but for an answer that is to be lost."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.lost = 0
        """How many answers were lost."""
        self._answers = 0
        self._access = Lock()
        Thread(target=self._accept, daemon=True).start()

    def lose(self, answer: int) -> None:
        """Lose an answer: 1 is the next one."""
        with self._access:
            self._answers = answer

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                Thread(target=self._pass_on, args=(client, server, False), daemon=True).start()
                Thread(target=self._pass_on, args=(server, client, True), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while (content := source.recv(65536)) and not (is_answer and self._is_to_be_lost(content)):
                target.sendall(content)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _is_to_be_lost(self, content: bytes) -> bool:
        with self._access:
            if not self._answers or READY not in content:
                return False
            self._answers -= 1
            self.lost += not self._answers
            return not self._answers


@contextmanager
def cutting_proxy(port: int) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
