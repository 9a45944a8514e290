"""Golden vectors of names: URNs and topic patterns."""

from __future__ import annotations

from byway.protocol.urn import to_base32
from tests.vectors.notation import Vector

KEY = to_base32(bytes(range(32)))
OPEN = "urn:byway:topic:open"


def urn() -> Vector:
    good = [
        (f"{OPEN}:homes", "topic", ["open", "homes"]),
        (f"{OPEN}:homes:boston:2-bed", "topic", ["open", "homes", "boston", "2-bed"]),
        (f"{OPEN}:caf%C3%A9", "topic", ["open", "caf%C3%A9"]),
        (f"{OPEN}:%F0%9F%8F%A0", "topic", ["open", "%F0%9F%8F%A0"]),
        (f"{OPEN}{':a' * 16}", "topic", ["open", *"a" * 16]),
        (f"{OPEN}:{'a' * 64}", "topic", ["open", "a" * 64]),
        (f"urn:byway:topic:{KEY}:-", "topic", [KEY, "-"]),
        (f"urn:byway:node:{KEY}", "node", [KEY]),
        (f"urn:byway:mailbox:{'a' * 52}", "mailbox", ["a" * 52]),
        (f"urn:byway:statement:{'7' * 51}q", "statement", ["7" * 51 + "q"]),
        ("urn:byway:terms:myterms:p2b1", "terms", ["myterms", "p2b1"]),
        ("urn:byway:thing:isbn:9780000000000", "thing", ["isbn", "9780000000000"]),
    ]
    bad = [
        ("", "empty"),
        ("urn:byway:person:a", "no such kind"),
        ("URN:byway:topic:open:a", "upper case"),
        (f"{OPEN}", "no segment"),
        (f"{OPEN}:", "an empty segment"),
        (f"{OPEN}:a::b", "an empty segment"),
        (f"{OPEN}:A", "upper case"),
        (f"{OPEN}:a b", "a space"),
        (f"{OPEN}:a\n", "a line end"),
        (f"{OPEN}:a_b", "an underscore"),
        (f"{OPEN}:*", "a pattern is not a URN"),
        (f"{OPEN}:café", "not percent-encoded"),
        (f"{OPEN}:caf%c3%a9", "lower-case hex"),
        (f"{OPEN}:%61", "an ASCII character percent-encoded"),
        (f"{OPEN}:%C3", "half a character"),
        (f"{OPEN}:%C1%A1", "an overlong encoding"),
        (f"{OPEN}:%ED%A0%80", "a surrogate"),
        (f"{OPEN}{':a' * 17}", "17 segments"),
        (f"{OPEN}:{'a' * 65}", "a segment of 65 bytes"),
        (f"{OPEN}:{':'.join(['a' * 60] * 4)}", "over 255 bytes"),
        ("urn:byway:topic:boston:homes", "a root that is neither open nor a key"),
        (f"urn:byway:node:{KEY.upper()}", "upper-case base32"),
        (f"urn:byway:node:{KEY}====", "padding"),
        (f"urn:byway:node:{KEY[:-1]}", "51 characters"),
        (f"urn:byway:node:{KEY}:a", "a key and more"),
        (f"urn:byway:node:{'7' * 52}", "unused trailing bits are set"),
        ("urn:byway:terms:myterms", "no id"),
        ("urn:byway:terms:a:b:c", "three segments"),
    ]
    return {
        "about": "URNs, section 1.1, with their kind and the parts after it.",
        "valid": [{"text": text, "kind": kind, "parts": parts} for text, kind, parts in good],
        "refused": [{"name": why, "code": "bad-urn", "text": text} for text, why in bad],
    }


def pattern() -> Vector:
    good = [
        ("open:homes", ["open:homes"], ["open:homes:boston", "open:food", f"{KEY}:homes"]),
        ("open:*", ["open:homes", "open:food"], ["open:homes:boston", f"{KEY}:food"]),
        ("open:homes:*:condo", ["open:homes:boston:condo"], ["open:homes:condo", "open:homes:boston:house"]),
        ("open:**", ["open:homes", "open:homes:boston:condo"], [f"{KEY}:homes"]),
        ("open:homes:**", ["open:homes", "open:homes:boston"], ["open:food", "open:home"]),
        ("open:homes:*:**", ["open:homes:boston", "open:homes:boston:condo"], ["open:homes"]),
        (f"{KEY}:caf%C3%A9", [f"{KEY}:caf%C3%A9"], ["open:caf%C3%A9", f"{KEY}:cafe"]),
        ("open" + ":*" * 15 + ":**", ["open" + ":a" * 15, "open" + ":a" * 16], ["open" + ":a" * 14]),
    ]
    bad = [
        ("", "empty"),
        ("open", "no part"),
        ("open:", "an empty part"),
        ("*:homes", "the root is literal"),
        ("homes:boston", "a root that is neither open nor a key"),
        ("open:**:condo", "`**` before the last part"),
        ("open:home*", "`*` within a segment"),
        ("open:***", "three stars"),
        ("open:Homes", "upper case"),
        (f"{OPEN}:homes", "a URN"),
        ("open" + ":*" * 16 + ":**", "17 parts"),
    ]
    return {
        "about": "Topic patterns, section 1.2, with topics that they match and topics that they do not.",
        "valid": [
            {
                "text": text,
                "root": text.split(":")[0],
                "parts": text.split(":")[1:],
                "matches": [f"urn:byway:topic:{topic}" for topic in matches],
                "misses": [f"urn:byway:topic:{topic}" for topic in misses],
            }
            for text, matches, misses in good
        ],
        "refused": [{"name": why, "code": "bad-pattern", "text": text} for text, why in bad],
    }
