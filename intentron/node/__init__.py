"""The node that one person owns: what it does by itself, and what she can ask of it.

    node          all of it together
    buying        asked by a person: cast, offers, accept, decline, close
    selling       asked by a seller: subscribe, inbox, offer, answers, stock, rules
    placing       where casts and subscriptions go
    publisher     brings casts out
    sender        brings out everything else
    collector     empties mailboxes: `offers` for a person, `answers` for a seller
    subscriber    listens for casts
    responder     answers them out of the stock, by standing rules
    offering      how an offer is made
    expiry        marks what is over
    memory        the vault, for many tasks
    bell          how tasks tell each other that there is something new
    waits         what waits for something outside, in words
    quiet_start   why not everything is dialled at once
    shown         what the owner is told
    topics        what she calls a topic

The vault first, then the wire, then the vault again: a node can be killed between any two of them.
"""

from intentron.node.node import Node

__all__ = ["Node"]
