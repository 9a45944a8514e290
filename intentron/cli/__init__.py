"""The `intentron` command, for people and for sellers.  One module for each thing that they look after."""
