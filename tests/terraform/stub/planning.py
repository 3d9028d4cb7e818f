"""What the provider would say to a configuration: refuse it, or plan it with computed values unknown."""

import re
from collections.abc import Iterator
from typing import Any

import msgpack  # type: ignore[import-not-found] # installed in .venv-tf only

from tests.terraform.stub.schema import RULES

Path = tuple[str | int, ...]
UNKNOWN = msgpack.ExtType(0, b"\x00")
"""How the protocol writes a value that is known only after the apply."""


def unknown(value: object) -> bool:
    """Whether the value is known only after the apply."""
    return isinstance(value, msgpack.ExtType)


def faults(kind: str, block: dict[str, Any], configuration: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """What is wrong with a resource's configuration, and where: enumerations of the schema, and rules.json."""
    rules = RULES.get(kind, {})
    for attribute, value, path in _leaves(block, configuration, ()):
        key = ".".join(step for step in path if isinstance(step, str))
        rule = rules.get(key, {})
        if isinstance(value, str):
            yield from ((text, path) for text in _text_faults(key, value, attribute.get("enum"), rule.get("regex")))
        elif isinstance(value, int | float) and "range" in rule:
            low, high = rule["range"]
            if not low <= value <= high:
                yield f"expected {key} to be in the range ({low} - {high}), got {value:g}", path


def _text_faults(key: str, value: str, allowed: list[str] | None, pattern: str | None) -> Iterator[str]:
    if allowed and value and value not in allowed:
        yield f"expected {key} to be one of {allowed}, got {value}"
    if pattern and not re.fullmatch(pattern, value):
        yield f'{key} ("{value}") does not match "{pattern}"'


def _leaves(block: dict[str, Any], value: object, path: Path) -> Iterator[tuple[dict[str, Any], Any, Path]]:
    """Each attribute that the configuration sets to something known: its schema, value and path."""
    if not isinstance(value, dict):
        return
    for name, attribute in block["attributes"].items():
        if value.get(name) is not None and not unknown(value[name]):
            yield attribute, value[name], (*path, name)
    for name, kind in block.get("block_types", {}).items():
        inner = value.get(name)
        if kind["nesting_mode"] == "single":
            yield from _leaves(kind["block"], inner, (*path, name))
        elif isinstance(inner, list):
            for number, item in enumerate(inner):
                step = (name, number) if kind["nesting_mode"] == "list" else (name,)
                yield from _leaves(kind["block"], item, (*path, *step))


def planned(block: dict[str, Any], configuration: object, proposed: object) -> Any:
    """The plan of a block: computed attributes that nobody sets are unknown."""
    if not isinstance(proposed, dict):
        return proposed
    given = configuration if isinstance(configuration, dict) else {}
    out = dict(proposed)
    for name, attribute in block["attributes"].items():
        if attribute.get("computed") and out.get(name) is None and given.get(name) is None:
            out[name] = UNKNOWN
    for name, kind in block.get("block_types", {}).items():
        value, inner = out.get(name), given.get(name)
        if isinstance(value, list):
            items = inner if isinstance(inner, list) and len(inner) == len(value) else [None] * len(value)
            pairs = zip(items, value, strict=True)
            out[name] = [planned(kind["block"], item, proposal) for item, proposal in pairs]
        elif value is not None:
            out[name] = planned(kind["block"], inner, value)
    return out


def replacements(kind: str, configuration: dict[str, Any], prior: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The attributes whose change makes the resource anew, as far as rules.json knows."""
    names = RULES.get(kind, {}).get("force_new", [])
    return [name for name in names if new.get(name) != prior.get(name) and configuration.get(name) is not None]
