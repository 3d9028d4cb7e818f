"""What is served over HTTP: the API under /v1, and the console's pages.

A request walks through guard.py (who asks: access.py; how much, how often), then to a page or to api/, and what goes
back walks through privacy.py.
"""
