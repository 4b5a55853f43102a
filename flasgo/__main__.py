"""`python -m flasgo` is the command `flasgo`."""

import sys

from flasgo.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
