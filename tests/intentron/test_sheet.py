"""A sheet becomes items and problems: nothing that a spreadsheet can hold stops an import."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import intentron
from byway.errors import SetupError, StatementError
from byway.protocol.facets import Boolean, DecimalRange, Integer, Money, Place, Quantity, Text, TextSet
from intentron.stock.column_map import ColumnMap, load_column_map, shipped_maps
from intentron.stock.item import StockItem, parse_item
from intentron.stock.sheet import MAX_SHEET_BYTES, Sheet, load_sheet, read_sheet

HEADER = "id,street,unit,beds,full,half,price,year,kind,town,zip,lat,lon,tags,pool,sauna,since"
GOOD = "a1,1 Quay,3,2,1,1,800000.50,2023,CONDO UNIT,East  Town,02127,42.28,-83.74,Oak; ash,Y,-,2027-06-01"
MAP = """
id = "id"
name = "{street} {unit}, Port {zip}"
split = ["town", "zip"]
price_label = "value {year}, not an asking price"
[facets.beds]
type = "integer"
column = "beds"
most = 100
[facets.baths]
type = "decimal"
sum = { full = 1, half = 0.5 }
[facets.area]
type = "quantity"
column = "year"
unit = "FTK"
[facets.price]
type = "money"
column = "price"
currency = "USD"
[facets.kind]
type = "text"
column = "kind"
words = { "condo unit" = "condo" }
[facets.town]
type = "text"
column = "town"
drop_suffix = " town"
unknown = ["Port"]
[facets.zip]
type = "text"
column = "zip"
[facets.place]
type = "place"
latitude = "lat"
longitude = "lon"
precision_m = 100
[facets.tags]
type = "set"
column = "tags"
[facets.since]
type = "date"
column = "since"
[flags]
columns = ["pool", "sauna"]
true = ["Y"]
false = ["N"]
all_false_is_unknown = true
[fixed]
state = ["text", "mi"]
"""


@pytest.fixture(scope="module")
def column_map(tmp_path_factory: pytest.TempPathFactory) -> ColumnMap:
    path = tmp_path_factory.mktemp("maps") / "port.toml"
    path.write_text(MAP)
    return load_column_map(path)


def sheet_of(column_map: ColumnMap, *rows: str, header: str = HEADER) -> Sheet:
    return read_sheet("\n".join((header, *rows)).encode(), column_map)


def changed(**cells: str) -> str:
    """The good row with some cells changed."""
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True)) | cells
    return ",".join(row.values())


def test_a_row_becomes_an_item_with_typed_facets(column_map: ColumnMap) -> None:
    sheet = sheet_of(column_map, GOOD)

    assert sheet.problems == ()
    assert sheet.items == (
        StockItem(
            id="a1",
            name="1 Quay 3, Port 02127",
            facets={
                "beds": Integer(2, 2),
                "baths": DecimalRange(Decimal("1.5"), Decimal("1.5")),
                "area": Quantity("FTK", Decimal(2023), Decimal(2023)),
                "price": Money("USD", 80_000_050, 80_000_050),
                "kind": Text("condo"),
                "town": Text("east"),
                "zip": Text("02127"),
                "place": Place(42_280_000, -83_740_000, 100),
                "tags": TextSet(("ash", "oak")),
                "since": sheet.items[0].facets["since"],
                "pool": Boolean(true=True),
                "state": Text("mi"),
            },
            seller="east",
            price_label="value 2023, not an asking price",
        ),
    )
    assert sheet.items[0].facets["since"].wire() == ["date", 20970, 20970]
    assert parse_item(sheet.items[0].wire()) == sheet.items[0]


@pytest.mark.parametrize(
    ("cells", "absent"),
    [
        ({"beds": ""}, {"beds"}),
        ({"beds": "-"}, {"beds"}),
        ({"half": "-"}, {"baths"}),
        ({"lat": ""}, {"place"}),
        ({"town": "Port"}, {"town"}),
        ({"pool": "N"}, {"pool"}),
        ({"pool": "-", "sauna": "-"}, {"pool"}),
    ],
)
def test_what_a_row_does_not_say_is_an_absent_facet(
    column_map: ColumnMap, cells: dict[str, str], absent: set[str]
) -> None:
    whole, partly = sheet_of(column_map, GOOD, changed(id="a2", **cells)).items

    assert set(whole.facets) - set(partly.facets) == absent


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ({"beds": "many"}, "beds is 'many', which is not a number"),
        ({"beds": "2.5"}, "beds is '2.5', which is not a whole number"),
        ({"beds": "101"}, "beds is '101', which is more than 100"),
        ({"beds": "nan"}, "beds is 'nan', which is not a number"),
        ({"price": "-1"}, "price is '-1', which is less than 0"),
        ({"price": "1e999"}, "price is '1e999', which is not a number"),
        ({"price": "9" * 400}, "which is not a number"),
        ({"price": "9" * 18}, "price"),
        ({"price": "1.005"}, "price: '1.005' has more than 2 digits"),
        ({"lat": "200"}, "lat is '200', which is more than 90"),
        ({"lon": "-180.1"}, "lon is '-180.1', which is less than -180"),
        ({"pool": "maybe"}, "pool is 'maybe', which is neither yes (Y) nor no (N)"),
        ({"since": "2027-13-01"}, "since is '2027-13-01', which is not a date such as 2027-06-01"),
        ({"id": ""}, "id is empty"),
        ({"kind": "x" * 300}, "kind: a text has 1 to 256 bytes"),
        ({"street": "x" * 300}, "the name has more than 256 bytes"),
        ({"street": "1 \0Quay"}, "street has a control character in it"),
        ({"street": "1 \x1b[2JQuay"}, "street has a control character in it"),
        ({"id": "a1"}, "id a1 was in line 2 already"),
        ({"tags": ";"}, "tags: a set holds 1 to 64 texts"),
    ],
)
def test_a_bad_cell_is_reported_with_its_line_and_the_row_is_skipped(
    column_map: ColumnMap, cells: dict[str, str], sentence: str
) -> None:
    sheet = sheet_of(column_map, GOOD, changed(**{"id": "a2", **cells}), changed(id="a3"))

    assert [item.id for item in sheet.items] == ["a1", "a3"]
    ((line, said),) = sheet.problems
    assert line == 3
    assert sentence in said


def test_commas_between_thousands_are_read(column_map: ColumnMap) -> None:
    sheet = sheet_of(column_map, changed(price='"1,631,300.50"'), changed(id="a2", price='"16,31"'))

    assert sheet.items[0].price == Money("USD", 163_130_050, 163_130_050)
    assert sheet.problems == ((3, "price is '16,31', which is not a number"),)


def test_one_bad_row_affects_only_itself(column_map: ColumnMap) -> None:
    """Rows with too many or too few cells, a quote never closed, a field without end."""
    rows = [
        changed(id="b1"),
        changed(id="b2") + ",more",
        "b3,short",
        changed(id="b4", street='"never closed'),
        changed(id="b5"),
        changed(id="b6", street="x" * 200_000),
        changed(id="b7", street='"closed"badly'),
        changed(id="b8", street='"1 Quay\nback house"'),
    ]

    sheet = sheet_of(column_map, *rows)

    assert [item.id for item in sheet.items] == ["b1", "b5", "b8"]
    assert sheet.items[-1].name == "1 Quay back house 3, Port 02127"
    assert [problem.line for problem in sheet.problems] == [3, 4, 5, 7, 8]
    assert str(sheet.problems[1]) == "line 4: the row has 2 cells, the header has 17"


def test_a_quote_never_closed_does_not_cost_the_rest_of_the_file(column_map: ColumnMap) -> None:
    rows = [changed(id=f"c{number}", street='"' if number == 0 else "1 Quay") for number in range(200)]

    sheet = sheet_of(column_map, *rows)

    assert len(sheet.items) == 199
    assert [problem.line for problem in sheet.problems] == [2]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_byte_order_mark_line_ends_and_empty_rows_do_not_matter(column_map: ColumnMap, end: str, mark: bytes) -> None:
    data = mark + end.join(["", HEADER, "", GOOD, "," * 16, changed(id="a2", beds="x"), ""]).encode()

    sheet = read_sheet(data, column_map)

    assert [item.id for item in sheet.items] == ["a1"]
    assert [problem.line for problem in sheet.problems] == [6]


def test_a_cell_that_is_not_utf8_costs_its_row_only_if_it_is_read(column_map: ColumnMap) -> None:
    header = HEADER + ",remark"
    rows = [GOOD + ",caf\xe9", changed(id="a2", street="Caf\xe9 1") + ",", changed(id="a3", street="Quay 9") + ","]

    sheet = read_sheet("\n".join([header, *rows]).encode("latin-1"), column_map)

    assert [item.id for item in sheet.items] == ["a1", "a3"]
    assert sheet.problems == ((3, "street is not UTF-8; save the sheet as CSV UTF-8"),)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"id,street\n1,2\n", "the file has no column 'unit', 'zip', 'year'"),
        (HEADER.encode() + b",beds\n", "the file has the column 'beds' more than once"),
        (HEADER.encode("utf-16"), "the file is in UTF-16, not in UTF-8; save it as CSV UTF-8"),
        (HEADER.encode("utf-16-le"), "the file is in UTF-16, not in UTF-8, or it is no text; save it as CSV UTF-8"),
        (HEADER.replace(",", ";").encode(), "the cells stand between semicolons, not between commas; save the sheet"),
        (HEADER.replace(",", "\t").encode(), "the cells stand between tabs, not between commas; save the sheet"),
        (HEADER.encode() + b",caf\xe9", "the column 'caf\N{REPLACEMENT CHARACTER}' is not UTF-8; save the sheet"),
        (HEADER.encode(), "the file has a header, and no row below it"),
        (b"PK\x03\x04 and so on", "the file is a spreadsheet or an archive, not CSV"),
        (b'"id\n', "this is not a row of CSV"),
        (b"x" * (MAX_SHEET_BYTES + 1), "the file is over 16 MB"),
    ],
    ids=[
        "empty",
        "blank",
        "columns",
        "twice",
        "utf-16",
        "utf-16-le",
        "semicolons",
        "tabs",
        "cp1252",
        "no-rows",
        "xlsx",
        "header",
        "huge",
    ],
)
def test_a_file_that_cannot_be_used_is_one_problem(column_map: ColumnMap, data: bytes, sentence: str) -> None:
    sheet = read_sheet(data, column_map)

    assert sheet.items == ()
    ((_, said),) = sheet.problems
    assert said.startswith(sentence)


@given(data=st.binary(max_size=300), cells=st.lists(st.text(max_size=20), max_size=17))
def test_any_bytes_are_items_and_problems(column_map: ColumnMap, data: bytes, cells: list[str]) -> None:
    text = ",".join(cells).encode("utf-8", "surrogatepass")
    for sheet in (read_sheet(data, column_map), read_sheet(HEADER.encode() + b"\n" + text + b"\n" + data, column_map)):
        for item in sheet.items:
            assert parse_item(item.wire()) == item
        for problem in sheet.problems:
            assert problem.line >= 1
            assert "\n" not in problem.sentence


def test_items_are_split_by_the_first_facet_that_is_known(column_map: ColumnMap) -> None:
    sheet = sheet_of(
        column_map,
        changed(id="1"),
        changed(id="2", town="-"),
        changed(id="3", town="EAST"),
        changed(id="4", town="Port", zip=""),
    )

    sellers = {seller: [item.id for item in items] for seller, items in sheet.by_seller().items()}

    assert sellers == {"": ["4"], "02127": ["2"], "east": ["1", "3"]}
    assert sheet.items[3].name == "1 Quay 3, Port"


def test_a_file_that_is_not_there_is_said_with_the_next_step(column_map: ColumnMap, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read: No such file") as caught:
        load_sheet(tmp_path / "none.csv", column_map)

    assert caught.value.next_step.startswith("ls -ld")


@pytest.mark.parametrize(
    ("old", "new", "code", "sentence"),
    [
        ('split = ["town", "zip"]', 'splt = ["town"]', "settings-unknown-key", 'line 4: "splt".*did you mean "split"'),
        ("precision_m", "precison_m", "settings-unknown-key", 'line 37: "precison_m".*did you mean "precision_m"'),
        ("all_false_is", "all_fals_is", "settings-unknown-key", 'did you mean "all_false_is_unknown"'),
        ('id = "id"', "", "settings-bad-value", "id has to be set"),
        (
            'type = "set"',
            'type = "sets"',
            "settings-unknown-key",
            'line [0-9]+: "sets" is no type of a facet; did you mean "set"',
        ),
        ('type = "set"', 'type = ["set"]', "settings-bad-value", "facets.tags"),
        ("[facets.zip]", "[[facets.zip]]", "settings-bad-value", "facets.zip"),
        ('column = "since"', "", "settings-bad-value", "column has to be set"),
        ('column = "beds"', "", "settings-bad-value", "either a `column` or a `sum`"),
        ('currency = "USD"', 'currency = "usd"', "settings-bad-value", "usd"),
        ('["town", "zip"]', '["beds"]', "settings-bad-value", 'line 4: .*split names "beds"'),
        ("[facets.zip]", "[facets.Zip]", "settings-bad-value", 'line [0-9]+: .*"Zip" cannot be the name of a facet'),
        ('["pool", "sauna"]', '["beds"]', "settings-bad-value", 'the facet "beds" is made twice'),
        ('["text", "mi"]', '["text"]', "settings-bad-value", "1 elements after its type"),
        ("{street}", "{street", "settings-bad-value", "line [0-9]+: .*a brace without a partner"),
        ("[fixed]", "[fixed", "settings-unreadable", "not TOML"),
    ],
)
def test_a_column_map_is_refused_with_what_has_to_be_mended(
    tmp_path: Path, old: str, new: str, code: str, sentence: str
) -> None:
    path = tmp_path / "map.toml"
    path.write_text(MAP.replace(old, new, 1))

    with pytest.raises(SetupError, match=sentence) as caught:
        load_column_map(path)

    assert caught.value.code == code
    assert caught.value.next_step


def test_a_column_map_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="farm-food, homes") as caught:
        load_column_map(tmp_path / "none.toml")

    assert caught.value.code == "not-found"
    assert "homes.toml my-map.toml" in caught.value.next_step


@pytest.mark.parametrize("name", ["m" * 300, "file/map.toml"])
def test_a_column_map_that_cannot_be_reached_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SetupError) as caught:
        load_column_map(tmp_path / name)

    assert caught.value.code in {"not-found", "settings-unreadable"}
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": None}, "bad-body"),
        ({"id": 1}, "bad-body"),
        ({"facets": None}, "bad-body"),
        ({"facets": {"beds": ["integer", "2", 2]}}, "bad-facet"),
    ],
)
def test_an_item_that_was_never_written_is_refused(changes: dict[str, Any], code: str) -> None:
    wire = StockItem("1", "Eggs", {"beds": Integer(2, 2)}).wire()
    assert parse_item(wire).name == "Eggs"

    with pytest.raises(StatementError) as raised:
        parse_item(wire | changes)
    assert raised.value.code == code


@pytest.mark.parametrize(("name", "sellers"), [("homes", 8), ("farm-food", 13)])
def test_the_shipped_map_reads_the_shipped_stock(name: str, sellers: int) -> None:
    """Forty rows, two of them bad on purpose; the one file makes several sellers."""
    stock = Path(intentron.__file__).parent / "demo" / "stock" / f"{name}.csv"

    sheet = load_sheet(stock, load_column_map(name))

    assert name in shipped_maps()
    assert (len(sheet.items), len(sheet.problems), len(sheet.by_seller())) == (38, 2, sellers)
