"""What is asked of a server, as values: two of the same are equal and name themselves in tables."""
import dataclasses

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


def bytes_text(size):
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} B"


@dataclasses.dataclass(frozen=True)
class Echo:
    connections: int
    size: int
    depth: int

    def __str__(self):
        return f"{self.connections} x {bytes_text(self.size)} x {self.depth}"


@dataclasses.dataclass(frozen=True)
class Hello:
    """GET /plaintext; churn: a connection for each."""
    connections: int
    depth: int
    churn: bool = False

    def __str__(self):
        many = "1 connection" if self.connections == 1 else f"{self.connections} connections"
        return f"{many}, {'a new one for each' if self.churn else f'{self.depth} on the way'}"


@dataclasses.dataclass(frozen=True)
class File:
    connections: int
    size: int

    def __str__(self):
        return f"{self.connections} x {bytes_text(self.size)}"


@dataclasses.dataclass(frozen=True)
class Handshakes:
    resumed: bool

    def __str__(self):
        return "resumed" if self.resumed else "full"


@dataclasses.dataclass(frozen=True)
class Bodies:
    size: int
    cipher: str

    def __str__(self):
        return f"{bytes_text(self.size)}, {self.cipher}"
