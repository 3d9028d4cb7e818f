"""Actions that go on while pages look at them."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from worker.actions import Options
from worker.web.console.forms import Sent
from worker.web.console.pages import viewer_of, with_query
from worker.web.runner import Runner, Work


def begin(request: Request, work: Work, total: int | None = None) -> Response:
    """Have an action begin for who asks, and show its run; `total` is what it should come to, where that is known.

    Raises what keeps it from beginning.
    """
    runner: Runner = request.app.state.parts.runner
    run = runner.start(viewer_of(request).name, work)
    return RedirectResponse(with_query(f"/runs/{run.id}", of=total) if run else "/runs", 303)


def options(sent: Sent) -> Options:
    """The pace that a form asks for."""
    cap = sent.number("cap", 1)
    return Options(rate=sent.number("rate", 0.01), cap=int(cap) if cap else None)
