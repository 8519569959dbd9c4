"""`python -m reference`: train the reference solution; see `reference/cli.py`."""

from .cli import main

if __name__ == "__main__":
    main()
