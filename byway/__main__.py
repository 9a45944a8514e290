"""`python -m byway` is the `byway` command."""

from byway.cli.app import main

main()
