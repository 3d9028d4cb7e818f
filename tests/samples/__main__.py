"""`python -m tests.samples DIR`: write the sample pictures into a folder."""

import sys
from pathlib import Path

from tests.samples import write_all

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.samples DIR")
    folder = Path(sys.argv[1])
    sys.stdout.write(f"{len(write_all(folder))} sample pictures in {folder}\n")
