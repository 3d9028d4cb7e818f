"""Batches: a table of image URLs in, compressed images and the same table back. docs/batches.md; ADR 11.

`Batches` (desk.py) is what commands and consoles call; `Follower` is the worker's side of it.
"""
