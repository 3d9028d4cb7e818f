"""Who a request is from: a key, an account that signed in, or, on a machine of one's own, whoever sits there."""

from collections.abc import Callable, Mapping

from worker import bootstrap
from worker.accounts import SignIn
from worker.errors import Forbidden, Misconfigured
from worker.site import Site
from worker.web import rules
from worker.web.keys import KeyCheck
from worker.web.rules import Rule
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


def access(site: Site, address: str) -> Access:
    """By the settings. Raises Misconfigured where others reach the address and nobody would have to sign in."""
    settings = site.settings
    rights = rules.read(settings.viewers)
    checks: list[Check] = [KeyCheck(site.records)] if settings.api_keys else []
    sign_ins = bootstrap.open_sign_ins(settings)
    checks += [_ruled(sign_in, rights) for sign_in in sign_ins]
    if not checks and not bootstrap.is_loopback(address):
        raise Misconfigured(
            f"others reach {address}: set IMAGEMETA_IAP_AUDIENCE, IMAGEMETA_OIDC_AUDIENCE or IMAGEMETA_API_KEYS, so"
            " that they have to sign in (docs/api.md), or listen on 127.0.0.1"
        )
    if sign_ins and not rights:
        raise Misconfigured(f"{rules.SETTING} is not set: nobody who signs in could see anything; write *=read/rounded")
    return Access(tuple(checks))


def _ruled(sign_in: SignIn, rights: tuple[Rule, ...]) -> Check:
    def check(headers: Headers) -> Viewer | None:
        account = sign_in(headers)
        return rules.viewer(rights, account) if account else None

    return check
