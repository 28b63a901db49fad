"""`resgraph`, or `python -m resgraph` → the command line; what it cannot even be imported for is
told, too."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from .garbage import nothing_collected
from .streams import endure, settled


def main() -> NoReturn:
    """Run the command line and exit."""
    endure()
    try:
        with nothing_collected():
            from .cli import run
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from .faults import translated

        told = translated(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        sys.exit(told.exit_code)
    code = settled(run(sys.argv[1:]))
    # Python would search all that is loaded for garbage before it ends
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
