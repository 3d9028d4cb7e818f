"""The house's order: who may import whom, at any depth of the module's code. docs/architecture.md draws it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "worker"

FLOORS = [
    {"errors"},
    {"model"},
    {"legal", "geohash", "catalog", "trace"},
    {"ports", "clock", "interrupts", "inspection", "outlet", "accounts"},
    {"extract"},
    {"decode", "document", "indexes", "explain", "events", "logs", "telemetry", "health"},
    {
        "fold",
        "in_flight",
        "group_commit",
        "group_lookup",
        "breaker",
        "sidecars",
        "write_ladder",
        "attempts",
        "changes",
        "promotions",
    },
    {"processor", "reading"},
    {"worker", "operate", "export", "batches"},
    {"backends"},
    {"settings", "urls"},
    {"bootstrap", "examination", "shelving", "batch_parts", "seals"},
    {"duties", "shard", "push", "crew"},
    {"supervisor"},
    {"entries", "scan", "local", "local_batch", "site", "actions", "exports"},
    {"web", "cli"},
]
"""From the ground up; a module imports from its own floor and those below. (Backends import ports and data only.)"""

CORE = set().union(*FLOORS[:9])
CLOUD = ("google", "grpc", "obstore", "sqlite3", "requests", "urllib3")
BACKENDS_MAY_IMPORT = {
    *("errors", "model", "ports", "clock", "inspection", "outlet", "accounts", "decode", "legal", "geohash", "catalog"),
    "backends",
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    """The part of the house that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if is_module(name) else node.module or "" for name in names)


def is_module(name: str) -> bool:
    path = PACKAGE.parent / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def floor(name: str) -> int:
    found = [number for number, rooms in enumerate(FLOORS) if name in rooms]
    assert found, f"{name} has no floor: add it to the drawing"
    return found[0]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_from_its_own_floor_or_below(path: Path) -> None:
    here = room(path)
    if here == "__main__":
        return
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "worker" and rest and rest.split(".")[0] not in {here, "__version__"}:
            there = rest.split(".")[0]
            assert floor(there) <= floor(here), f"{here} imports {there}"
            if here == "backends":
                assert there in BACKENDS_MAY_IMPORT, f"a backend imports {there}"
            if there == "backends":
                assert here in {"bootstrap", "examination", "shelving", "batch_parts", "local"}, (
                    f"{here} imports a backend"
                )


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_core_knows_no_cloud_and_no_database(path: Path) -> None:
    if room(path) in CORE:
        for name in imports(path):
            assert name.split(".")[0] not in CLOUD, f"{room(path)} imports {name}"


def test_there_is_no_cycle() -> None:
    graph = {name_of(path): {name for name in imports(path) if name.startswith("worker.")} for path in modules()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name in done or name not in graph:
            return
        for other in graph[name]:
            visit(other, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
