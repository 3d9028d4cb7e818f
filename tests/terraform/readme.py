"""The tables of variables and outputs in the READMEs below terraform/, made from the code:

python -m tests.terraform.readme
"""

import re
from collections.abc import Iterator
from pathlib import Path

STACK = Path(__file__).parents[2] / "terraform"
MODULES = [STACK, *sorted((STACK / "modules").iterdir())]
BEGIN, END = "<!-- tables -->", "<!-- /tables -->"


def blocks(folder: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Name and body of each `variable` or `output` of a module, as they are written."""
    yield from re.findall(
        rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', (folder / f"{kind}s.tf").read_text(), re.DOTALL | re.MULTILINE
    )


def tables(folder: Path) -> str:
    """Both tables of a module."""
    lines = ["| Variable | Meaning | Type | Default |", "|---|---|---|---|"]
    for name, body in blocks(folder, "variable"):
        default = re.search(r"^  default +=\s*(.+)$", body, re.MULTILINE)
        kind = re.search(r"^  type +=\s*(\w+)", body, re.MULTILINE)
        shown = f"`{default[1]}`" if default else "**required**"
        lines.append(f"| `{name}` | {_description(body)} | {kind[1] if kind else ''} | {shown} |")
    lines += ["", "| Output | Meaning |", "|---|---|"]
    lines += [f"| `{name}` | {_description(body)} |" for name, body in blocks(folder, "output")]
    return "\n".join(lines)


def written(folder: Path) -> str:
    """The module's README with its tables as they should be."""
    old = (folder / "README.md").read_text()
    block = f"{BEGIN}\n{tables(folder)}\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: block, old, flags=re.DOTALL)


def _description(body: str) -> str:
    match = re.search(r'^  description = "((?:[^"\\]|\\.)*)"', body, re.MULTILINE)
    return match[1].replace('\\"', '"').replace("|", "\\|") if match else ""


if __name__ == "__main__":
    for module in MODULES:
        (module / "README.md").write_text(written(module))
