"""`python -m longdoc` is the `longdoc` command."""

from __future__ import annotations

import sys

from longdoc.cli import main

if __name__ == "__main__":
    sys.exit(main())
