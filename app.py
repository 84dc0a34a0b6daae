"""Start the web app: `python app.py`. The same as `longdoc serve` with its defaults."""

from __future__ import annotations

import sys

from longdoc.errors import LongDocError
from longdoc.settings import load_settings
from longdoc.ui import serve


def main() -> int:
    try:
        serve(load_settings())
    except LongDocError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
