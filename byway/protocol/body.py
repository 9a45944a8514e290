"""The body of a statement: a checked, frozen value of the fields that its kind has (wire-protocol section 4).

Keys that are not known are ignored, except those that begin with `!`.  Of several faults the first one in
the order of the page's table decides the code, so that a body is refused for the same reason at every hop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar

from nacl.signing import SigningKey
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError

from byway.errors import StatementError
from byway.protocol.address import parse_address
from byway.protocol.limits import MAX_INTEGER, MAX_REPLY_KEYS, MAX_SERIAL, MAX_TERMS, MAX_TIME_MS
from byway.protocol.statement import Kind, Statement, make_statement
from byway.protocol.urn import parse_urn

T = TypeVar("T")

REFUSED: Final = "refused"
WIRE: Final = "wire"  # in code None says that a field is left out; on the wire nil says nothing


class Body(BaseModel):
    """What every kind of body can do.  A field that was left out is None, and is left out again by `wire`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    kind: ClassVar[Kind]

    @classmethod
    def from_statement(cls, statement: Statement) -> Self:
        """The body of `statement`.  Raises `StatementError` with the exact code if it has to be refused."""
        if statement.kind is not cls.kind:
            raise StatementError(f"{_one(statement.kind)} is not {_one(cls.kind)}", code="bad-body")
        return cls.from_wire(statement.body())

    @classmethod
    def from_wire(cls, body: Mapping[str, Any]) -> Self:
        """The body that these decoded values are.  Raises `StatementError`."""
        if not body.keys() <= cls.__pydantic_fields__.keys():  # what the page names is never critical
            refuse_critical_keys(body)
        try:
            read: Self = cls.__pydantic_validator__.validate_python(body, context=WIRE)
        except ValidationError as error:
            raise cls._refusal(error) from None
        return read

    def wire(self) -> dict[str, Any]:
        """The values that canonical msgpack can encode, under the names on the page."""
        return {name: _listed(value) for name, value in self if value is not None}

    def sign(self, key: SigningKey, *, created: int, expires: int) -> Statement:
        """The statement that `key` makes of this body.  Raises `StatementError` for an impossible lifetime or size."""
        return make_statement(key, self.kind, self.wire(), created=created, expires=expires)

    @classmethod
    def _refusal(cls, error: ValidationError) -> StatementError:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        if first["type"] == REFUSED:
            sentence = first["ctx"]["sentence"]
            return StatementError(f"{field}: {sentence}" if field else sentence, code=first["ctx"]["code"])
        fault = "is missing" if first["type"] == "missing" else "is of the wrong type or out of bounds"
        return StatementError(f"the field {field!r} of {_one(cls.kind)} {fault}", code="bad-body")


def refuse_critical_keys(mapping: Iterable[str]) -> None:
    """Raise `unknown-critical-key` if a key begins with `!`: no key on the page does."""
    for key in mapping:
        if key.startswith("!"):
            sentence = f"the key {key[:40]!r} is not known here, and says that it has to be"
            raise StatementError(sentence, code="unknown-critical-key")


def refused(sentence: str, code: str = "bad-body") -> PydanticCustomError:
    """What a validator raises to have the statement refused with `code` and `sentence`."""
    return PydanticCustomError(REFUSED, "{sentence}", {"sentence": sentence, "code": code})


def validator(check: Callable[[Any], T]) -> Callable[[Any], T]:
    """`check` as a validator: the `StatementError` it raises becomes the refusal of the field."""

    def validate(value: Any) -> T:
        try:
            return check(value)
        except StatementError as error:
            raise refused(str(error), error.code) from None

    return validate


def _one(kind: Kind) -> str:
    name = kind.name.lower()
    return f"an {name}" if name.startswith(("a", "o")) else f"a {name}"


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _urn(kind: str) -> AfterValidator:
    def check(text: str) -> str:
        try:
            parse_urn(text, kind)
        except StatementError as error:
            raise refused(str(error), error.code) from None
        return text

    return AfterValidator(check)


def _address(text: str) -> str:
    parse_address(text)
    return text


def _not_nil(value: object, info: ValidationInfo) -> object:
    if value is None and info.context == WIRE:
        raise refused("a field that is left out is not nil")
    return value


Maybe = Annotated[T | None, BeforeValidator(_not_nil)]
Many = Annotated[tuple[T, ...], Field(strict=False)]  # msgpack gives lists; the items stay strict
Pair = Annotated[tuple[T, T], Field(strict=False)]

Bytes16 = Annotated[bytes, Field(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, Field(min_length=32, max_length=32)]
TimeMs = Annotated[int, Field(ge=1, le=MAX_TIME_MS)]
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Ordinal = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
Serial = Annotated[int, Field(ge=1, le=MAX_SERIAL)]

TopicUrn = Annotated[str, _urn("topic")]
NodeUrn = Annotated[str, _urn("node")]
MailboxUrn = Annotated[str, _urn("mailbox")]
TermsUrn = Annotated[str, _urn("terms")]
TermsUrns = Annotated[Many[TermsUrn], Field(max_length=MAX_TERMS)]
AddressText = Annotated[str, AfterValidator(validator(_address))]

ReplyKey = Annotated[tuple[int, bytes], Field(strict=False)]
ReplyKeys = Annotated[Many[ReplyKey], Field(min_length=1, max_length=MAX_REPLY_KEYS)]
