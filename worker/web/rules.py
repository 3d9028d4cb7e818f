"""Who may do what: the rules of `IMAGEMETA_VIEWERS`, a list of `WHO=SCOPES/POSITION`."""

from dataclasses import dataclass

from worker.accounts import Account
from worker.errors import Misconfigured
from worker.web.viewer import Precision, Scope, Viewer

SETTING = "IMAGEMETA_VIEWERS"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `who` is an address, `@` and a domain, or `*`."""

    who: str
    scopes: frozenset[Scope]
    position: Precision

    def fits(self, account: Account) -> bool:
        """Whether it is about this account."""
        return self.who in ("*", account.email) or (bool(account.domain) and self.who == f"@{account.domain}")


def read(text: str) -> tuple[Rule, ...]:
    """The rules of the setting. Raises Misconfigured for one that cannot be understood."""
    return tuple(_rule(part) for part in text.split())


def viewer(rules: tuple[Rule, ...], account: Account) -> Viewer:
    """What the first rule that fits makes of an account; without one, it may do nothing."""
    for rule in rules:
        if rule.fits(account):
            return Viewer(account.email, rule.scopes, rule.position)
    return Viewer(account.email, frozenset(), Precision.HIDDEN)


def scopes(names: str) -> frozenset[Scope]:
    """From `read,export`. Raises ValueError for a name that is none."""
    return frozenset(Scope(name) for name in names.split(","))


def _rule(text: str) -> Rule:
    who, _, rest = text.partition("=")
    names, _, position = rest.partition("/")
    if who != "*" and "@" not in who:
        raise Misconfigured(
            f"{SETTING}: {text!r} names nobody; write anna@example.com=read, @example.com=read or *=read"
        )
    try:
        return Rule(who.lower(), scopes(names), Precision(position or Precision.ROUNDED))
    except ValueError as error:
        known = f"scopes: {', '.join(Scope)}; positions: {', '.join(Precision)}"
        raise Misconfigured(f"{SETTING}: in {text!r}, {error}; {known}") from None
