"""Run the whole matrix and all attacks, and print one table; exit code 1 if any promise was broken."""

import sys

from tests.environment import silence

from .main import main

if __name__ == "__main__":
    silence()
    sys.exit(main())
