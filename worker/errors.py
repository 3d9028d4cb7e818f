"""Everything that can go wrong, as one tree that says what happens to the message.

WorkerError            a code and a sentence for the operator; the cause travels along
├── Transient          nack: another attempt may succeed
│   ├── StoreUnavailable
│   ├── SourceUnavailable
│   ├── Throttled
│   ├── Overtaken
│   └── SiteUnavailable
├── Permanent          a failed document, then ack: no attempt can do better
│   ├── BadMessage
│   ├── ObjectGone
│   ├── UnsupportedFormat
│   ├── CorruptImage
│   ├── LimitExceeded
│   ├── Refused
│   ├── Poison
│   ├── GivenUp
│   ├── BadUrl
│   ├── AddressRefused
│   └── NotServed
├── Misconfigured      nack, stop pulling, exit non-zero: only a person can mend it
├── Forbidden          a request (not a message) that may not be made: refused, nothing done
├── QueryError         a search that cannot be understood or answered: its author must write another
└── BadInput           a table or an order that cannot be understood: its author must mend it, nothing was done
    ├── TooLarge
    └── NotThere

Anything else that is raised is a bug: nacked with its traceback, and recorded as "internal" on the last attempt.
Foreign errors are translated where they come in, one table per backend, `from` their cause.
"""

from typing import ClassVar

INTERNAL = "internal"


class WorkerError(Exception):
    """A failure whose consequence is known.

    `code` is stable: documents, metrics and filters use it. The message is one sentence a person can act on.
    """

    code: ClassVar[str] = INTERNAL


class Transient(WorkerError):
    """Another attempt may succeed: the message goes back to the queue."""

    code = "transient"


class StoreUnavailable(Transient):
    """The document store did not confirm a write or answer a read."""

    code = "store_unavailable"


class SourceUnavailable(Transient):
    """The object store did not deliver bytes or facts of an object."""

    code = "source_unavailable"


class Throttled(Transient):
    """A backend asks for less: back off to the longest pause at once."""

    code = "throttled"


class Overtaken(Transient):
    """Other workers wrote the same document between every look and every write."""

    code = "overtaken"


class SiteUnavailable(Transient):
    """A site of the outside world does not answer now; it says nothing about our own backends.

    `after` is how many seconds the site asks to be left alone, None where it asks nothing.
    """

    code = "site_unavailable"

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Permanent(WorkerError):
    """No further attempt can do better: the reason is written down and the message is acknowledged."""

    code = "permanent"


class BadMessage(Permanent):
    """The message is not a notification that can be acted upon."""

    code = "bad_message"


class ObjectGone(Permanent):
    """This generation of the object is no longer there: replaced or deleted."""

    code = "object_gone"


class UnsupportedFormat(Permanent):
    """The bytes are not those of an image format that is read here."""

    code = "unsupported_format"


class CorruptImage(Permanent):
    """The container is broken so early that nothing could be read."""

    code = "corrupt_image"


class LimitExceeded(Permanent):
    """Reading on would cost more bytes, reads or time than one object may have."""

    code = "limit_exceeded"


class Refused(Permanent):
    """A backend refuses this very write or read, and would refuse it again."""

    code = "refused"


class Poison(Permanent):
    """The object killed or hung the process that read it, more than once."""

    code = "poison"


class GivenUp(Permanent):
    """The queue gave the message up: it is a dead letter."""

    code = "dead_letter"


class BadUrl(Permanent):
    """The text is no URL that may be fetched: its scheme, its port, its form, or a host that does not exist."""

    code = "bad_url"


class AddressRefused(Permanent):
    """The URL, or one that it redirects to, leads to an address that is not the public internet's."""

    code = "address_refused"


class NotServed(Permanent):
    """The site answers, and will not hand out what is asked for: it is not there, or not for us."""

    code = "not_served"


class Misconfigured(WorkerError):
    """No subscription, bucket, database or permission: every message would fail alike, so pulling stops."""

    code = "misconfigured"


class Forbidden(WorkerError):
    """The request does not show that its sender may make it."""

    code = "forbidden"


class BadInput(WorkerError):
    """What somebody handed in cannot be understood or is too much; the message says where and what to do."""

    code = "bad_input"


class TooLarge(BadInput):
    """It has more bytes than are taken."""

    code = "too_large"


class NotThere(BadInput):
    """What is spoken of is not there, or not any more."""

    code = "not_found"


class QueryError(WorkerError):
    """A search that cannot be understood, or that the store cannot answer.

    `column` is where in the query's text the fault lies, counted from 1; 0 where it lies in no place of it.
    """

    code = "bad_query"

    def __init__(self, column: int, message: str) -> None:
        super().__init__(column, message)
        self.column = column
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} (column {self.column})" if self.column else self.message


def code_of(error: BaseException) -> str:
    """The taxonomy's code of any exception; a foreign one is `internal`."""
    return error.code if isinstance(error, WorkerError) else INTERNAL
