"""`python -m worker` is `imagemeta`."""

from worker.cli import main

if __name__ == "__main__":  # a process of a crew imports this module, too
    main()
