"""One secret per person, from which every other is derived.

The lasting identity of a seller, the key of each cast, the reply keys and the outer key of each answer are all made
from 32 master bytes.  So one file is the whole backup, and the vault holds no secret: only the salts and ids that name
what was derived.  Keys of two roles, two salts or two casts have nothing in common that others could see.
"""

from __future__ import annotations

import enum
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final

from nacl.public import PrivateKey
from nacl.signing import SigningKey

from byway.key_file import create_key, load_key
from byway.protocol.urn import KEY_BYTES

SALT_BYTES: Final = 16
KEY_FILE: Final = "key"

# The person of BLAKE2b, at most 16 bytes.  These five texts must never change: they lead from the backup to the keys.
_IDENTITY: Final = b"ib/identity"
_CAST: Final = b"ib/cast"
_CAST_REPLY: Final = b"ib/cast-reply"
_OUTER: Final = b"ib/outer"
_OUTER_REPLY: Final = b"ib/outer-reply"


class Role(enum.StrEnum):
    """Which of a person's keys a link speaks for."""

    IDENTITY = "identity"
    CAST = "cast"
    OUTER = "outer"


@dataclass(frozen=True, slots=True)
class Keys:
    """All secret keys of one person, derived from `master` (32 bytes) when asked for."""

    master: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.master) != KEY_BYTES:
            raise ValueError(f"the master key has {KEY_BYTES} bytes, not {len(self.master)}")

    def identity(self) -> SigningKey:
        """The lasting key: it signs a seller's offers and opens a seller's subscriptions."""
        return SigningKey(self._derive(_IDENTITY))

    def cast(self, salt: bytes) -> SigningKey:
        """The key that signs one cast; `salt` is 16 fresh random bytes per cast, kept in the vault."""
        return SigningKey(self._derive(_CAST, salt=_checked(salt, SALT_BYTES)))

    def cast_reply(self, salt: bytes) -> PrivateKey:
        """The X25519 key that opens the offers sealed to the cast of `salt`."""
        return PrivateKey(self._derive(_CAST_REPLY, salt=_checked(salt, SALT_BYTES)))

    def outer(self, cast_id: bytes) -> SigningKey:
        """The key that signs what a seller sends about one cast (32-byte id); nobody can tell whose it is."""
        return SigningKey(self._derive(_OUTER, about=_checked(cast_id, KEY_BYTES)))

    def outer_reply(self, cast_id: bytes) -> PrivateKey:
        """The X25519 key that opens what the person of that cast sends back."""
        return PrivateKey(self._derive(_OUTER_REPLY, about=_checked(cast_id, KEY_BYTES)))

    def signing(self, role: Role, subject: bytes) -> SigningKey:
        """The signing key of a role; `subject` is empty, the cast's salt, or the id of the cast answered."""
        if role is Role.CAST:
            return self.cast(subject)
        return self.outer(subject) if role is Role.OUTER else self.identity()

    def _derive(self, role: bytes, *, salt: bytes = b"", about: bytes = b"") -> bytes:
        return blake2b(about, digest_size=KEY_BYTES, key=self.master, salt=salt, person=role).digest()


def _checked(data: bytes, length: int) -> bytes:
    # A shorter salt would be padded with zeros, and two casts could end up with one key.
    if len(data) != length:
        raise ValueError(f"{length} bytes are needed here, not {len(data)}")
    return data


def load_keys(home: Path) -> Keys:
    """The keys in the file `key` of the home folder.  Raises `SetupError`: key-missing, key-exposed, key-damaged."""
    return Keys(load_key(home / KEY_FILE, made_by=f"intentron init --home {shlex.quote(str(home))}"))


def create_keys(home: Path, random: Callable[[int], bytes]) -> Keys:
    """New keys, durable in the file `key` of the home folder.  Raises `FileExistsError` if there are keys already."""
    return Keys(create_key(home / KEY_FILE, random))
