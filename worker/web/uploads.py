"""What a form with a file brings: its fields, and the one file."""

from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.requests import Request

from worker.errors import BadInput

FORM = "multipart/form-data"
_MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class File:
    """What was chosen on somebody's machine, and what it is called there."""

    name: str
    data: bytes


async def parts_of(request: Request) -> tuple[list[tuple[str, str]], File | None]:
    """The fields in order, and the file of the field `file`, if one was chosen. How much it may be, the guard says."""
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        sent = form.get("file")
        chosen = isinstance(sent, UploadFile) and bool(sent.filename)
        file = File(sent.filename or "", await sent.read()) if chosen and isinstance(sent, UploadFile) else None
    return fields, file


def must(file: File | None) -> File:
    """The file. Raises BadInput where none was chosen."""
    if file is None:
        raise BadInput("choose a file: the form has none in its field `file`")
    return file
