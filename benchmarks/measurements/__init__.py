"""The measurements: one question each.  A round of each is a function, so that rounds of several can take turns."""
