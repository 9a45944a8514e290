"""The text of filters: what people write comes out as the wire form, and mistakes name their column."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byway.errors import StatementError
from byway.protocol.facets import Facet
from byway.protocol.filter import And, Filter, Known, Or
from byway.protocol.filter_text import format_filter, parse_filter_text
from byway.protocol.limits import MAX_INTEGER, MAX_OPERANDS
from tests.strategies.facets import facet_maps
from tests.strategies.filters import filters

PIECES = [
    *["&&", "||", "!", "(", ")", "[", "]", ",", "==", "!=", "<", "<=", ">", ">=", " in ", "known(", "near(", "date("],
    *["money(", "price", "a", "1", "-2.5", '"x"', '"\\u00e9"', "true", '"2027-06-01"', '"USD"', " ", '"', "\\", "é"],
]


def refusal(text: str) -> str:
    """The sentence that refuses the text, or nothing; what is accepted can be written and read again."""
    try:
        parsed = parse_filter_text(text)
    except StatementError as error:
        return error.code and str(error)
    assert parse_filter_text(format_filter(parsed)) == parsed
    return ""


@given(filters(min_operands=2))
def test_a_filter_comes_back_from_its_text(made: Filter) -> None:
    assert parse_filter_text(format_filter(made)) == made


@given(filters(), facet_maps())
def test_the_text_of_any_filter_means_the_same(made: Filter, facets: dict[str, Facet]) -> None:
    again = parse_filter_text(format_filter(made))
    assert again.evaluate(facets) is made.evaluate(facets)
    assert format_filter(again) == format_filter(made)


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_any_text_is_a_filter_or_refused_with_a_sentence(text: str) -> None:
    sentence = refusal(text)
    assert sentence == "" or sentence.startswith(("column ", "a filter "))


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("beds >= 2", [">=", "beds", ["integer", 2, 2]]),
        ("a==-1", ["=", "a", ["integer", -1, -1]]),
        ("a == 2.10", ["=", "a", ["decimal", [21, -1], [21, -1]]]),
        ("a == 2.0", ["=", "a", ["decimal", [2, 0], [2, 0]]]),
        ('kind != "condo"', ["not", ["=", "kind", ["text", "condo"]]]),
        (r'kind == "\"\\\n\u00e9\U0001f3e0"', ["=", "kind", ["text", '"\\\né\U0001f3e0']]),
        ("pets == true", ["=", "pets", ["boolean", True]]),
        ('kind in ["condo", "house"]', ["in", "kind", [["text", "condo"], ["text", "house"]]]),
        ('"garden" in tags', ["has", "tags", "garden"]),
        ("known(price)", ["known", "price"]),
        ("!known(price)", ["not", ["known", "price"]]),
        ("!!known(price)", ["not", ["not", ["known", "price"]]]),
        ("near(where, 42.28, -83.74, 500)", ["near", "where", 42_280_000, -83_740_000, 500]),
        ("near(where, 42, -0.000001, 0)", ["near", "where", 42_000_000, -1, 0]),
        ('move <= date("2027-06-01")', ["<=", "move", ["date", 20_970, 20_970]]),
        ('a < timestamp("1970-01-01T01:00:00.5+01:00")', ["<", "a", ["instant", 500, 500]]),
        ('price <= money("800000.00", "USD")', ["<=", "price", ["money", "USD", 80_000_000, 80_000_000]]),
        ('price <= money("800000", "JPY")', ["<=", "price", ["money", "JPY", 800_000, 800_000]]),
        ('a > quantity("10", "LBR")', [">", "a", ["quantity", "LBR", [1, 1], [1, 1]]]),
        ("(((known(a))))", ["known", "a"]),
        ("known(a) && known(b) && known(c)", ["and", ["known", "a"], ["known", "b"], ["known", "c"]]),
        (
            "known(a) && known(b) || known(c) && known(d)",
            ["or", ["and", ["known", "a"], ["known", "b"]], ["and", ["known", "c"], ["known", "d"]]],
        ),
        ("known(a) && (known(b) || known(c))", ["and", ["known", "a"], ["or", ["known", "b"], ["known", "c"]]]),
        ("known(a) && (known(b) && known(c))", ["and", ["known", "a"], ["and", ["known", "b"], ["known", "c"]]]),
        ("!(a == 1 || known(b))", ["not", ["or", ["=", "a", ["integer", 1, 1]], ["known", "b"]]]),
        # words are what their place makes of them
        ("true == true && known == 1", ["and", ["=", "true", ["boolean", True]], ["=", "known", ["integer", 1, 1]]]),
        ("in in [1] && known(near)", ["and", ["in", "in", [["integer", 1, 1]]], ["known", "near"]]),
    ],
)
def test_what_is_written_means(text: str, wire: list[Any]) -> None:
    assert parse_filter_text(text).wire() == wire


@pytest.mark.parametrize(
    "text",
    [
        'price <= money("800000.00", "USD") && beds >= 2',
        'a == 1 && (b == 2.5 || "x" in c)',
        "!(!known(a) && known(b))",
        "!(a < 1) && a != 1 && !known(b) && !!known(b) && !(a != 1)",
        'near(where, 42.28, -83.74, 500) || kind in ["a", "b\\""]',
        'a == date("2027-06-01") || a == timestamp("2027-06-01T00:00:00.001Z")',
        'a == quantity("0.5", "LBR") && a == 100.0 && a == "\\u0007\\n"',
    ],
)
def test_a_plain_spelling_is_kept(text: str) -> None:
    assert format_filter(parse_filter_text(text)) == text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "column 1: expected the name of a facet, found the end"),
        ("beds", "column 5: expected `==`, `!=`, `<`, `<=`, `>`, `>=` or `in`, found the end"),
        ("beds = 2", "column 6: expected a name, a value or an operator, found '='"),
        ("beds >= ", "column 9: expected a value"),
        ("beds >= two", "column 9: expected a value"),
        ("Beds >= 2", "column 1: expected the name of a facet, found 'Beds'"),
        ("beds >= 2 known(a)", "column 11: expected `&&`, `||` or the end, found 'known'"),
        ("beds >= 2 &&", "column 13: expected the name of a facet, found the end"),
        ("(beds >= 2", "column 11: expected `)`, found the end"),
        ("beds in 2", "column 9: expected `[`, found '2'"),
        ("beds in [2 3]", "column 12: expected `]`, found '3'"),
        ('kind == "x', "column 9: expected a string that ends, found '\"'"),
        (r'kind == "\q"', "column 9: expected text with no escapes but"),
        (r'kind == "\ud800"', "column 9: expected text with no escapes but"),
        (r'kind == "\Uffffffff"', "column 9: expected text with no escapes but"),
        ("!beds == 2", "column 2: expected `(`, `known(` or `near(` after `!`, found 'beds'"),
        ("known(2)", "column 7: expected the name of a facet, found '2'"),
        ("near(a, 1, 2, 3.5)", "column 15: expected a whole number, found '3.5'"),
        ("near(a, 1.0000001, 2, 3)", "column 9: '1.0000001' has more than 6 digits after the point"),
        ("near(a, 91, 2, 3)", "column 1: a latitude"),
        ('a == money(800000, "USD")', "column 12: expected a string in double quotes, found '800000'"),
        ('a == money("1.001", "USD")', "column 6: '1.001' has more than 2 digits after the point"),
        ('a == money("1", "dollars")', "column 1: a currency is three letters of ISO 4217"),
        ('a == date("2027-02-30")', "column 6: '2027-02-30' is not a day such as 2027-06-01"),
        ('a == date("20270230")', "column 6: '20270230' is not a day such as 2027-06-01"),
        ('a == timestamp("2027-06-01")', "column 6: '2027-06-01' is not a time such as 2027-06-01T00:00:00Z"),
        ('a == timestamp("2027-02-30T00:00:00Z")', "column 6: '2027-02-30T00:00:00Z' is not a time such as"),
        (
            'a == timestamp("9999-12-31T23:59:59-01:00")',
            "column 1: the low end of the range is not an integer",
        ),
        ("a < true", "column 1: `<` compares only with values that have an order"),
        (f"a == {MAX_INTEGER + 1}", "column 1: the low end of the range is not an integer"),
        ("a == 1" + "0" * 40, "column 6: expected a whole number"),
        ('"" in a', "column 1: a text has 1 to 64 bytes of UTF-8"),
        ("(" * 40 + "known(a)" + ")" * 40, "column 34: expected at most 32 `(` and `!` in one another"),
        ("!" * 40 + "known(a)", "column 34: expected at most 32 `(` and `!` in one another"),
        ("known(a)" + " && known(a)" * MAX_OPERANDS, "`and` has 1 to 32 operands"),
        ("known(a) || " * 1_500 + "known(a)", "the text of a filter has at most 16384 characters"),
    ],
)
def test_a_mistake_names_its_column_and_what_was_expected(text: str, sentence: str) -> None:
    assert refusal(text).startswith(sentence)


def test_one_operand_is_written_as_itself() -> None:
    inner = And((Or((Known("a"),)), Known("b")))
    assert format_filter(And((inner,))) == "known(a) && known(b)"
