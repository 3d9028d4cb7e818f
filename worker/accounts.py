"""Accounts that sign in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An account as who signed it in states it, in lower case: its address, and the domain that manages it, if one
    does. (An address alone shows no membership: who leaves a company may keep an account of that address.)"""

    email: str
    domain: str = ""


SignIn = Callable[[Mapping[str, str]], Account | None]
"""Given a request's headers by lower-case names: the account, or None where they show nothing of this kind. Raises
Forbidden where what they show does not hold, SourceUnavailable where that cannot be known now."""
