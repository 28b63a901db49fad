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
        told, code = _told(error)
        if not told:
            raise
        print(f"error: {told}", file=sys.stderr)
        sys.exit(code)
    code = settled(run(sys.argv[1:]))
    # Python would search all that is loaded for garbage before it ends
    gc.freeze()
    sys.exit(code)


def _told(error: Exception) -> tuple[str, int]:
    """What to do about a machine that cannot load the command line, and the exit code; "" where
    that is no fault of it."""
    try:
        from .faults import translated
    # what our errors are made of is what cannot be loaded
    except Exception:
        from .packages import unusable_package

        return unusable_package(error), 4
    told = translated(error)
    return (str(told), told.exit_code) if told else ("", 70)


if __name__ == "__main__":
    main()
