"""The vault: everything that one person's node has to remember, in one file on her disk.

    vault           the whole: open it, expire what is over, several changes as one
    casts           what she asked
    offers          what she was offered
    agreements      what both sides signed
    subscriptions   what a seller listens for
    inbox           what came in
    answers         what was offered in return, and what became of it
    outbox          statements that a node has still to take
    stock, rules    what there is to sell, and how it answers by itself
    events          what happened, in order
    names           C-XXXX and O-XXXX
    database        the file: lock, migrations, transactions

Everything is synchronous, and durable when a method returns.  Records are plain frozen values.
"""

from intentron.vault.agreements import KeptAgreement, Side
from intentron.vault.answers import STANDING, Answer, AnswerState
from intentron.vault.casts import CastState, OwnCast
from intentron.vault.events import Event
from intentron.vault.inbox import InboxState, ReceivedCast
from intentron.vault.offers import OfferState, ReceivedOffer
from intentron.vault.outbox import Outgoing, OutgoingState
from intentron.vault.rules import Rule
from intentron.vault.stock import StockList
from intentron.vault.subscriptions import Subscription
from intentron.vault.vault import Ended, Vault, holds_a_vault, keep_or_part, open_vault

__all__ = [
    "STANDING",
    "Answer",
    "AnswerState",
    "CastState",
    "Ended",
    "Event",
    "InboxState",
    "KeptAgreement",
    "OfferState",
    "Outgoing",
    "OutgoingState",
    "OwnCast",
    "ReceivedCast",
    "ReceivedOffer",
    "Rule",
    "Side",
    "StockList",
    "Subscription",
    "Vault",
    "holds_a_vault",
    "keep_or_part",
    "open_vault",
]
