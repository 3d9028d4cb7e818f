"""What an operator's filter means, for the actions on documents."""

from worker.catalog.query import Query, parse
from worker.errors import QueryError


def narrowed(filter_text: str, *terms: str) -> Query:
    """The query that a filter means, and these terms beside it. Raises QueryError that points into the filter."""
    asked = parse(filter_text)
    own = parse(" ".join(terms))
    taken = {term.field.name for term in own.terms if term.field.name == "status"}
    for term in asked.terms:
        if term.field.name in taken:
            raise QueryError(term.column, f"leave {term.field.name}: out; this is about {own} only")
    return Query((*asked.terms, *own.terms))
