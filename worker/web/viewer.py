"""Who asks, what they may do, and how exactly they may know where a picture was taken."""

from dataclasses import dataclass
from enum import StrEnum

from worker.errors import Forbidden


class Scope(StrEnum):
    """What somebody may do."""

    READ = "read"
    """Search, and look at documents, failures and the state of things."""
    EXPORT = "export"
    """Take many documents away at once."""
    OPERATE = "operate"
    """Start and stop runs, pause and resume buckets, read any object."""
    ADMIN = "admin"
    """All of that, and see what operators did."""


class Precision(StrEnum):
    """How exactly somebody may know where a picture was taken."""

    EXACT = "exact"
    ROUNDED = "rounded"
    """To two decimals of a degree, about a kilometre; altitudes not at all."""
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who signed in, or a key, or whoever sits at the machine."""

    name: str
    scopes: frozenset[Scope]
    position: Precision

    def may(self, scope: Scope) -> bool:
        """Whether they may do this."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def must(self, scope: Scope) -> None:
        """Raise Forbidden unless they may."""
        if not self.may(scope):
            raise Forbidden(f"{self.name} may not do this: it takes the scope {scope}")
