"""Show all settings: each is an environment variable, with its value here and what it does.

\b
imagemeta settings
imagemeta settings --markdown > docs/settings.md
"""

import sys
from collections.abc import Iterator
from typing import Annotated

from typer import Option

Markdown = Annotated[bool, Option("--markdown", help="The page docs/settings.md: defaults instead of values.")]

_PAGE = """# Settings

Made by `imagemeta settings --markdown` from worker/settings.py; a test says when it is out of date.

Every setting is an environment variable. One that begins with `IMAGEMETA_` and is not listed here is an error, so that
a slip of the pen is noticed. OpenTelemetry is set up by its own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, ...).

| Variable | Default | Meaning |
|---|---|---|
"""


def settings(markdown: Markdown = False) -> None:
    """The command; the module's text is its help."""
    sys.stdout.writelines(_page() if markdown else _values())


def _page() -> Iterator[str]:
    from worker.settings import PREFIX, Settings

    yield _PAGE
    for name, field in Settings.model_fields.items():
        default = "the host's name" if field.default_factory else f"`{field.default}`" if field.default != "" else ""
        yield f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |\n"


def _values() -> Iterator[str]:
    from worker.settings import PREFIX, Settings, load

    values = load()
    for name, field in Settings.model_fields.items():
        yield f"{PREFIX}{name.upper()}={getattr(values, name)}\n    {field.description}\n"
