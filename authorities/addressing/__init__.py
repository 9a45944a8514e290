"""The addressing authority: says what a name means and where it is served."""
