"""imagemeta: the metadata of every image in a bucket, in one document per image, and none is lost.

The modules are laid out in the order in which a message walks through them; docs/architecture.md draws the walk.
"""

__version__ = "0.1.0"
