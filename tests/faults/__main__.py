"""Run the whole matrix and print its table; exit code 1 if any promise was broken."""

import sys

from .matrix import main

if __name__ == "__main__":
    sys.exit(main())
