"""`python -m intentron` is the `intentron` command."""

from intentron.cli.app import main

main()
