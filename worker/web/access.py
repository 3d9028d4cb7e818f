"""Who a request is from: a key, an account that signed in, or, on a machine of one's own, whoever sits there."""

from collections.abc import Callable, Mapping

from worker.errors import Forbidden
from worker.web.viewer import Precision, Scope, Viewer

Headers = Mapping[str, str]
"""By lower-case names."""
Check = Callable[[Headers], Viewer | None]
"""The viewer, None where the request shows nothing of this kind; raises Forbidden where what it shows does not hold."""

LOCAL = Viewer("local", frozenset(Scope), Precision.EXACT)
"""Who needs no sign-in."""


class Access:
    """Asks each check in turn. Without any, everybody is `LOCAL`: for loopback addresses alone."""

    def __init__(self, checks: tuple[Check, ...] = ()) -> None:
        self._checks = checks

    @property
    def open(self) -> bool:
        """Whether nobody has to sign in."""
        return not self._checks

    def viewer(self, headers: Headers) -> Viewer:
        """Who asks. Raises Forbidden where that is not shown. It may wait for a store or for certificates."""
        if self.open:
            return LOCAL
        for check in self._checks:
            if found := check(headers):
                return found
        raise Forbidden("sign in, or send a key: docs/api.md says how")
