"""Name servers for tests: our port's resolver, with names of the test's own."""

import socket
import threading
from collections.abc import Mapping, Sequence


class Names:
    """Answers from a table, each answer the next in its list and the last one for ever; addresses mean themselves, in
    all forms that the operating system knows. Keeps a log."""

    def __init__(self, table: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._table = {name: list(answers) for name, answers in table.items()}
        self._lock = threading.Lock()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        with self._lock:
            self.asked.append(host)
            answers = self._table.get(host.rstrip(".").lower())
            if answers:
                return answers.pop(0) if len(answers) > 1 else answers[0]
        flags = socket.AI_NUMERICHOST
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)]
