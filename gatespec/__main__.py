"""`python -m gatespec` is the command `gatespec`."""

import sys

from gatespec.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
