"""`python -m authorities` is the `byway-authority` command."""

from authorities.cli.app import main

main()
