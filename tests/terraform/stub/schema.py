"""The provider's schema as JSON, and as Terraform's plugin protocol wants it."""

import json
import os
from pathlib import Path
from typing import Any

from tf.gen import tfplugin_pb2 as pb  # type: ignore[import-not-found] # installed in .venv-tf only

HERE = Path(__file__).parent
RULES: dict[str, Any] = json.loads((HERE / "rules.json").read_text())
"""What a schema cannot say: ranges, patterns, and which change makes a resource anew."""

_MODES = {"single": 1, "list": 2, "set": 3, "map": 4}


def load() -> dict[str, Any]:
    """The provider's part of the file that STUB_SCHEMA names, in the form of `terraform providers schema -json`."""
    schemas = json.loads(Path(os.environ["STUB_SCHEMA"]).read_text())["provider_schemas"]
    provider: dict[str, Any] = next(iter(schemas.values()))
    return provider


def to_protocol(entry: dict[str, Any]) -> Any:
    """One resource's schema as a protobuf message."""
    return pb.Schema(version=entry.get("version", 0), block=_block(entry["block"]))


def _block(block: dict[str, Any]) -> Any:
    out = pb.Schema.Block(version=0)
    for name, attribute in block["attributes"].items():
        flags = {flag: attribute.get(flag, False) for flag in ("required", "optional", "computed", "deprecated")}
        out.attributes.append(pb.Schema.Attribute(name=name, type=json.dumps(attribute["type"]).encode(), **flags))
    for name, kind in block.get("block_types", {}).items():
        mode = kind["nesting_mode"]
        limits = {} if mode == "single" else {limit: kind.get(limit, 0) for limit in ("min_items", "max_items")}
        nested = pb.Schema.NestedBlock(type_name=name, block=_block(kind["block"]), nesting=_MODES[mode], **limits)
        out.block_types.append(nested)
    return out
