"""The router of the Intention Byway: a library and the daemon over it.

Upper imports lower, never the reverse:

    byway.cli
    byway.daemon | byway.settings
    byway.router | byway.link      decisions without sockets | wires without decisions
    byway.store                    what must survive a crash
    byway.protocol                 values and rules, pure
    byway.errors                   every refusal, with its code
"""

__version__ = "0.1.0"
