"""`python -m longdoc` is the `longdoc` command."""

from __future__ import annotations

from longdoc.cli import main

if __name__ == "__main__":
    main()
