"""What people send: a form of one of our own pages, in which the page's token stands."""

import hmac
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends
from starlette.requests import Request

from worker.errors import Forbidden, Misconfigured
from worker.web.console.pages import COOKIE, viewer_of
from worker.web.uploads import FORM, File, parts_of
from worker.web.viewer import Scope

_MOST_FIELDS = 200
_FORM = "application/x-www-form-urlencoded"


class Sent:
    """The fields of a form, and the file that came with it."""

    def __init__(self, fields: list[tuple[str, str]], file: File | None = None) -> None:
        self.fields = fields
        self.file = file

    def text(self, name: str) -> str:
        """The field's text; empty where it was not filled in."""
        return next((value for field, value in self.fields if field == name), "").strip()

    def all(self, name: str) -> list[str]:
        """All fields of that name."""
        return [value for field, value in self.fields if field == name]

    def number(self, name: str, least: float) -> float | None:
        """A number, None where it was not filled in. Raises Misconfigured for anything else."""
        text = self.text(name)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value < float("inf"):
            raise Misconfigured(f"{name}: {text!r} is no number of at least {least:g}; go back and mend it")
        return value


async def operating(request: Request) -> Sent:
    """The form of somebody who may operate. Raises Forbidden where they may not, or it is not one of our pages'."""
    viewer_of(request).must(Scope.OPERATE)
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind == FORM:
        sent = Sent(*await parts_of(request))
    elif kind == _FORM:
        text = (await request.body()).decode("utf-8", "replace")
        sent = Sent(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    else:
        raise Forbidden("this is not the form of a page of ours")
    token = request.cookies.get(COOKIE, "")
    if not token or not hmac.compare_digest(token.encode(), sent.text("token").encode()):
        raise Forbidden("the page that this form is on is too old; load it again, and send it once more")
    return sent


Form = Annotated[Sent, Depends(operating)]
