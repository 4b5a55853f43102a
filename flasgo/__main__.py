"""`python -m flasgo` is the command `flasgo`."""

import sys

from flasgo.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
