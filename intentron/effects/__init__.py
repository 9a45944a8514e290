"""Effects: what a program has handled, so that it handles nothing twice however often it is delivered.

A statement is recognised by its id, for each subscription by itself, until it expires: after that nobody hands it
over.  With a file this is still known after a restart.
"""

from intentron.effects.effects import Effects, open_effects, scope_of

__all__ = ["Effects", "open_effects", "scope_of"]
