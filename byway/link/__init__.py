"""Wires: connections over trio streams.  `listener` and `dialer` make links, `memory` makes them without a network."""
