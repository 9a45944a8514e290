"""How fast a router is, as ratios to what the machine can do in the same run.  `make bench` runs all of it."""
