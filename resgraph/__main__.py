"""`python -m resgraph` → the command line."""

from .cli import main

main()
