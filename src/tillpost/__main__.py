"""`python -m tillpost` is the command `tillpost`."""

from tillpost.cli import main

main()
