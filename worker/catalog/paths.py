"""Dotted paths into documents."""

from collections.abc import Iterable, Mapping, Sequence

from worker.model import Value


def at(value: object, path: Iterable[str]) -> Value:
    """What stands at a path, None where there is nothing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None  # a Mapping would take three times as long
    return value  # type: ignore[return-value] # a document holds nothing else


def picked(fields: Mapping[str, Value], paths: Sequence[str]) -> dict[str, Value]:
    """A document of these paths alone, each where it was; what is not there is left away."""
    found: dict[str, Value] = {}
    for path in sorted(paths):  # what is wider comes first, and holds the narrower
        *parents, last = path.split(".")
        value = at(fields, path.split("."))
        if value is None or at(found, path.split(".")) is not None:
            continue
        place = found
        for parent in parents:
            place = place.setdefault(parent, {})  # type: ignore[assignment] # there is a map, for it has a value
        place[last] = value
    return found


def nested(values: Iterable[tuple[tuple[str, ...], Value]]) -> dict[str, Value]:
    """A document of values at their paths; what is None is left away."""
    found: dict[str, Value] = {}
    for (*parents, last), value in values:
        if value is not None:
            place = found
            for parent in parents:
                place = place.setdefault(parent, {})  # type: ignore[assignment] # nothing else is put there
            place[last] = value
    return found
