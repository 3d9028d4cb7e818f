"""A model of the queue, its workers and what scales them, on paper: see docs/scaling.md."""
