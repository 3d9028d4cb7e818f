"""Searching the documents: one language for the API, the command line, the console, exports and bulk actions.

query.py has the language, fields.py what can be asked for, matching.py what a query means, facets.py what is counted.
docs/search.md is the user's page.
"""
