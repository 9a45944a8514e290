"""What pydantic found wrong with a value, as people say it."""

from __future__ import annotations

from typing import Final

from pydantic_core import ErrorDetails

from byway.protocol.body import REFUSED

_SAID: Final = {
    "bool_type": "it has to be true or false",
    "dict_type": "it has to be a table of names and values",
    "finite_number": "it has to be a number that ends",
    "float_parsing": "it has to be a number",
    "float_type": "it has to be a number",
    "int_from_float": "it has to be a whole number",
    "int_parsing": "it has to be a whole number",
    "int_parsing_size": "it has to be a whole number of fewer digits",
    "int_type": "it has to be a whole number",
    "mapping_type": "it has to be a table of names and values",
    "model_type": "it has to be a table of names and values",
    "string_type": "it has to be text in quotes",
    "string_unicode": "it has to be Unicode text",
    "tuple_type": 'it has to be a list, as in ["one", "two"]',
}
_BOUNDS: Final = {  # with the bound that the error names
    "greater_than": "it has to be more than {gt}",
    "greater_than_equal": "it has to be at least {ge}",
    "less_than": "it has to be less than {lt}",
    "less_than_equal": "it has to be at most {le}",
    "literal_error": "it has to be {expected}",
    "string_too_long": "it has to have at most {max_length} characters",
    "string_too_short": "it has to have at least {min_length} characters",
    "too_long": "the list has {actual_length} entries, and {max_length} are the most",
    "too_short": "the list has too few entries: at least {min_length} are needed",
}


def says_it_all(fault: ErrorDetails) -> bool:
    """Whether a check of our own found the fault: then `plain_words` needs no more explanation."""
    return fault["type"] in {REFUSED, "value_error"}


def plain_words(fault: ErrorDetails) -> str:
    """What is wrong, and what is expected, without the jargon of a validator."""
    kind, details = fault["type"], fault.get("ctx", {})
    if kind in _BOUNDS:
        return _BOUNDS[kind].format_map({name: str(bound).removesuffix(".0") for name, bound in details.items()})
    if kind == REFUSED and details.get("code") == "bad-urn":
        return "it is not what is expected here, which begins with urn:byway: and is spelled in one way only"
    return _SAID.get(kind) or fault["msg"].removeprefix("Value error, ").replace("Input should", "it has to")
