"""The command line as `python -m allotment.cli`."""

from allotment.cli import main

main()
