"""Why a document says what it says: which ranges were read, how each block fared, and the tag behind each value."""

from collections.abc import Iterator

from worker.model import Metadata, Position, Taken


def explained(metadata: Metadata) -> Iterator[str]:
    """One line each: the ranges read, the blocks, then every summary value with the tag that it came from."""
    ranges = ", ".join(f"{offset}-{offset + length - 1}" for offset, length in metadata.ranges)
    total = sum(length for _, length in metadata.ranges)
    budget = "; the budget ended before the metadata did" if metadata.truncated else ""
    count = len(metadata.ranges)
    yield f"read {total} bytes in {count} {'range' if count == 1 else 'ranges'}: {ranges}{budget}"
    for name, block in metadata.blocks.items():
        yield f"{name}: {block.status}" + (f" ({block.reason})" if block.reason else "")
    for path, tag in metadata.sources.items():
        yield f"{path} = {_value(metadata, path)} from {tag}"


def _value(metadata: Metadata, path: str) -> str:
    """The value at a path such as `camera.lens`, in words."""
    found: object = metadata
    for name in path.split("."):
        found = getattr(found, name, None)
    match found:
        case Taken():
            return found.local + (f" {found.offset}" if found.offset else "")
        case Position():
            place = "unusable" if found.latitude is None else f"{found.latitude:.6f}, {found.longitude:.6f}"
            return place + (f" ({', '.join(found.flags)})" if found.flags else "")
        case tuple():
            return ", ".join(map(str, found))
    return str(found)
