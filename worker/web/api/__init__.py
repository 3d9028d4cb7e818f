"""The API under /v1: images.py searches, actions.py does, state.py tells how things are. docs/api.md teaches it."""
