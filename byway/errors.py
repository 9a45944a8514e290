"""Every error raised on purpose, and every code that a peer, a log, a metric or a page may show.

A code is stable and public.  It is listed in `docs/reference/wire-protocol.md` section 9, and a test
keeps the two equal.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class Code(NamedTuple):
    """One reason: whether the same request may succeed later, and what it means."""

    temporary: bool
    meaning: str


CODES: dict[str, Code] = {
    # statements
    "malformed": Code(False, "the bytes are not a statement"),
    "too-large": Code(False, "a length or a count is over its limit"),
    "unknown-version": Code(False, "the version of the statement is not known here"),
    "unknown-kind": Code(False, "the kind of the statement is not known here"),
    "bad-lifetime": Code(False, "created and expires make no lifetime"),
    "lifetime-too-long": Code(False, "the kind does not live that long"),
    "future-dated": Code(False, "created lies in the future; check the clock"),
    "expired": Code(False, "the statement has expired"),
    "bad-signature": Code(False, "the signature does not belong to these bytes and this key"),
    "not-canonical": Code(False, "the body is not canonical msgpack"),
    "duplicate-key": Code(False, "a map has the same key twice"),
    "too-deep": Code(False, "the body is nested too deep"),
    "unknown-critical-key": Code(False, "a key that begins with ! is not known here"),
    "bad-body": Code(False, "a field is missing, of the wrong type or out of bounds"),
    "bad-urn": Code(False, "the text is not a URN of the byway in its one spelling"),
    "bad-pattern": Code(False, "the text is not a topic pattern"),
    "bad-facet": Code(False, "a facet is not as its type demands"),
    "bad-filter": Code(False, "the filter is not an expression"),
    "bad-offer": Code(False, "the offer does not belong to what it came in"),
    "bad-reply-key": Code(False, "nothing can be sealed to this reply key"),
    "bad-seal": Code(False, "the box cannot be opened with this key"),
    "unknown-suite": Code(False, "the sealing suite is not known here"),
    "wrong-signer": Code(False, "this key may not sign that"),
    # admission
    "not-admitted": Code(False, "this node does not take statements of that kind"),
    "closed": Code(False, "the cast has been closed by its sender"),
    "wrong-authority": Code(False, "the mailbox was meant for another authority"),
    "mailbox-unknown": Code(False, "there is no such mailbox here"),
    "mailbox-full": Code(False, "the mailbox takes no more"),
    "older-serial": Code(False, "a higher serial of the same signer is here already"),
    "store-full": Code(True, "the disk of the node is nearly full"),
    "store-failed": Code(True, "the disk of the node failed; it takes nothing until it is restarted"),
    "store-rolled-back": Code(True, "the store of the node lacks what it has signed for; it takes nothing new for now"),
    "damaged": Code(False, "the node has it, but what it kept with it has changed on its disk"),
    "busy": Code(True, "the node has more to do, or to keep, than it takes on"),
    # links
    "bad-frame": Code(False, "the bytes are not a frame"),
    "frame-too-large": Code(False, "the frame is over the limit"),
    "unexpected-frame": Code(False, "the frame is not allowed now, or not for this end"),
    "version-unsupported": Code(False, "there is no protocol version that both ends speak"),
    "hello-mismatch": Code(False, "the hello does not belong to this link"),
    "clock-differs": Code(True, "the clocks of the two ends are too far apart"),
    "hello-timeout": Code(True, "the other end took too long to say who it is"),
    "wrong-key": Code(False, "the other end is not the node that was asked for"),
    "credit-exceeded": Code(False, "more was sent than the credit allows"),
    "too-many-subscriptions": Code(False, "the key has as many subscriptions as it may have"),
    "filters-full": Code(True, "the filters on these topics are as much work for one cast as the node takes on"),
    "unknown-subscription": Code(False, "there is no such subscription on this link"),
    "not-yours": Code(False, "the mailbox belongs to another key"),
    "replaced": Code(False, "the same subscription was opened on another link"),
    "ended": Code(False, "the subscription was ended by its owner"),
    "not-served": Code(False, "this node does not do that"),
    "idle": Code(True, "nothing came for too long"),
    "shutting-down": Code(True, "the node is stopping"),
    "unreachable": Code(True, "the node cannot be reached"),
    "link-lost": Code(True, "the link ended; what was not answered is unknown"),
    "bad-receipt": Code(False, "the receipt does not prove what it claims"),
    "internal-error": Code(False, "this program made a mistake; its log says more"),
    # names
    "name-unknown": Code(False, "the authority has no record of that name"),
    # what its owner asks of an intentron
    "bad-request": Code(False, "what was asked is incomplete, or has a value that cannot be"),
    "not-found": Code(False, "there is nothing of that name in this intentron"),
    "name-taken": Code(False, "the name means something else in this intentron already"),
    "settled": Code(False, "the cast or the offer has come to its end already"),
    "bad-sheet": Code(False, "nothing in the sheet can be used"),
    # this machine
    "settings-missing": Code(False, "there is no settings file"),
    "settings-exist": Code(False, "there is a settings file already, and it stays as it is"),
    "settings-unreadable": Code(False, "the settings file is not TOML"),
    "settings-unknown-key": Code(False, "the settings have a key that means nothing"),
    "settings-bad-value": Code(False, "a setting has a value that it cannot have"),
    "data-unreadable": Code(False, "the file cannot be read"),
    "data-unwritable": Code(False, "the file, the folder or the output cannot be written"),
    "port-busy": Code(True, "another program listens on that address"),
    "address-unusable": Code(False, "this computer cannot listen on that address"),
    "key-missing": Code(False, "the key file is not there"),
    "key-exposed": Code(False, "the key file can be read by others"),
    "key-damaged": Code(False, "the key file does not hold a key"),
    "clock-jumped": Code(False, "the clock of this computer jumped; the node goes on with its own time"),
    "store-locked": Code(True, "another process has the store open"),
    "store-foreign": Code(False, "the store belongs to another key than the one that is there"),
    "store-damaged": Code(False, "the store is not a store of this version, or is damaged"),
    "chain-damaged": Code(False, "the last head in the store has changed on its disk, and no other can follow it"),
}


class BywayError(Exception):
    """Root of the tree: catch this to catch all of ours and nothing else.

    `code` is a key of CODES.  `str(error)` is one sentence for a person; `next_step` is what to do
    about it, where there is something to do.
    """

    default_code: ClassVar[str] = ""

    def __init__(self, sentence: str, *, code: str = "", next_step: str = "") -> None:
        super().__init__(sentence)
        self.code = code or self.default_code
        self.next_step = next_step

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return CODES[self.code].temporary


class StatementError(BywayError):
    """A statement, or a part of one, that has to be refused.  It says nothing about who sent it."""

    default_code = "malformed"


class ProtocolError(BywayError):
    """A link cannot go on."""


class LocalProtocolError(ProtocolError):
    """We tried to do what the protocol forbids: a mistake in this program."""

    default_code = "unexpected-frame"


class RemoteProtocolError(ProtocolError):
    """The other end did what the protocol forbids.  The link ends with `Bye(code)`."""

    default_code = "bad-frame"


class Refused(BywayError):
    """The other end, or the router, said no: `code` says why, `retry_after_ms` when to ask again."""

    def __init__(self, code: str, sentence: str = "", retry_after_ms: int | None = None) -> None:
        known = CODES.get(code)
        super().__init__(sentence or (known.meaning if known else code), code=code)
        self.retry_after_ms = retry_after_ms

    @property
    def temporary(self) -> bool:
        """Peers may use codes that are newer than this program: for those the retry time decides."""
        return self.retry_after_ms is not None


class LinkError(BywayError):
    """A link could not be opened, or was lost.  What was not answered is unknown, not undone."""

    default_code = "link-lost"


class StoreError(BywayError):
    """The store cannot keep its promises any more; nothing may be promised on top of it."""

    default_code = "store-failed"


class SetupError(BywayError):
    """Something on this machine (settings, key, port) has to be mended before the program can run."""

    default_code = "settings-bad-value"
