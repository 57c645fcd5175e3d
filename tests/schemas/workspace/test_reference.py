"""Tables of reference data: their files, and how journeys look up in them."""

from __future__ import annotations

import pytest

from schemas.workspace.condition import Lookup, Op, Subject, Test
from schemas.workspace.reference import Table, read_rows
from schemas.workspace.steps import AttributeSource, FieldSource, Send
from tests.schemas.workspace.shop import Shop

TABLES = """\
tables:
  - name: products
    file: data/products.csv
    key: sku
    columns:
      - {name: title, kind: text}
      - {name: price, kind: number}
      - {name: listed, kind: date}
"""
PRODUCTS = "sku,title,price,listed\nLAMP,Lamp,25,2026-01-05\nSOFA,Sofa,799.5,\n"
TABLE = Table(
    "all", "all.csv", "key", {"t": "text", "n": "number", "b": "boolean", "at": "timestamp", "on": "date"}
)
JOURNEY = "journeys/cart_left_behind.yaml"


def with_tables(shop: Shop, tables: str = TABLES, products: str | None = PRODUCTS) -> None:
    shop.write("reference.yaml", tables)
    if products is not None:
        shop.write("data/products.csv", products)


def test_each_kind_of_cell_has_its_value() -> None:
    text = (
        '\ufeffkey,b,n,t,at,on,other\r\n1,TRUE,-5,"a, b",2026-01-05T09:00:00+01:00,2026-01-31,x\r\n'
        "\r\n 2 ,false,2.50, c ,2026-01-05,,\r\n"
    )
    rows, mistakes = read_rows(TABLE, text.encode())
    assert mistakes == []
    assert rows == {
        "t": {"1": "a, b", "2": "c"},
        "n": {"1": -5, "2": 2.5},
        "b": {"1": True, "2": False},
        "at": {"1": "2026-01-05T08:00:00.000000Z", "2": "2026-01-05T00:00:00.000000Z"},
        "on": {"1": "2026-01-31"},
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", ["line 1: expected a column key in the header, found no header"]),
        ("key,t,n,b,at\n", ["line 1: expected a column on in the header, found key, t, n, b, at"]),
        ("key,t,t,n,b,at,on\n", ["line 1: expected a column t in the header, found it twice"]),
        ("key,t,n,b,at,on\n1,a\n", ["line 2: expected 6 cells as in the header, found 2"]),
        ("key,t,n,b,at,on\n ,a,,,,\n", ["line 2: expected a value of key, found none; add it"]),
        (
            "key,t,n,b,at,on\n1,a,,,,\n2,b,,,,\n1,c,,,,\n",
            ["line 4: expected each key once, found '1' again, as in line 2; remove one"],
        ),
        (
            "key,t,n,b,at,on\n1,,x,,,\n2,,y,maybe,,\n",
            [
                "line 2: n: expected a number such as 12.5, found text 'x'",
                "line 3: b: expected true or false, found text 'maybe'",
            ],
        ),
        (
            "key,t,n,b,at,on\n1,,nan,,noon,2026-02-30\n",
            [
                "line 2: n: expected a number such as 12.5, found text 'nan'",
                "line 2: at: expected a date such as 2026-01-31 or a time such as 2026-01-31T08:00:00Z, "
                "found text 'noon'",
                "line 2: on: expected a date such as 2026-01-31, found text '2026-02-30'",
            ],
        ),
        ('key,t,n,b,at,on\n1,"a\n', ["line 2: expected CSV, found what is none: unexpected end of data"]),
        (b"key,t\n1,\xff", ["line 2: expected UTF-8, found other bytes; save it as UTF-8"]),
    ],
)
def test_mistakes_of_a_table_are_told_once_each(content: str | bytes, told: list[str]) -> None:
    _, mistakes = read_rows(TABLE, content if isinstance(content, bytes) else content.encode())
    assert [str(mistake) for mistake in mistakes][: len(told)] == told


def test_a_table_is_part_of_the_workspace(shop: Shop) -> None:
    with_tables(shop)
    shop.edit(
        JOURNEY, "where: {field: price, op: ge", "where: {field: sku, table: products, column: price, op: ge"
    )
    shop.edit(JOURNEY, "sku: {field: sku}", "sku: {field: sku, table: products, column: title}")
    shop.edit(JOURNEY, "name: {attribute: name}", "name: {attribute: name, table: products, column: title}")
    workspace = shop.load()
    [journey] = workspace.journeys
    assert workspace.tables["products"] == Table(
        "products",
        str((shop.directory / "data/products.csv").resolve()),
        "sku",
        {"title": "text", "price": "number", "listed": "date"},
    )
    price = Subject("field", "sku", Lookup("products", "price"))
    assert getattr(journey.entry, "where", None) == Test(price, Op.GE, 20)
    send = journey.steps[1]
    assert isinstance(send, Send)
    assert send.data["sku"] == FieldSource("sku", Lookup("products", "title"))
    assert send.data["name"] == AttributeSource("name", Lookup("products", "title"))


def test_a_file_with_an_address_is_not_looked_at(shop: Shop) -> None:
    with_tables(shop, TABLES.replace("data/products.csv", "gs://shop/products.csv"), None)
    assert shop.load().tables["products"].file == "gs://shop/products.csv"


@pytest.mark.parametrize(
    ("text", "instead", "message"),
    [
        ("column: price", "column: prize", "column: expected a known column of products, found 'prize'"),
        ("table: products", "table: product", "table: expected a known table, found 'product'; did you"),
        ("table: products, ", "", "expected a table and a column, found no table; add it or remove"),
        (", column: price", "", "expected a table and a column, found no column; add it or remove"),
        ("field: sku, t", "field: gift, t", "table: expected a text or a number to look up, found a boolean"),
        (
            "field: sku, t",
            "field: counts, t",
            "table: expected a text or a number to look up, found a map of",
        ),
        ("column: price", "column: title", "value: expected text, found the number 20; put it in quotes"),
        (
            "op: ge, value: 20",
            "op: contains, value: '2'",
            "op: expected eq, ne, gt, ge, lt, le, in or exists",
        ),
    ],
)
def test_a_journey_looks_up_what_there_is(shop: Shop, text: str, instead: str, message: str) -> None:
    with_tables(shop)
    shop.edit(JOURNEY, "{field: price, op: ge", "{field: sku, table: products, column: price, op: ge")
    shop.edit(JOURNEY, text, instead)
    [(file, _, said)] = [found for found in shop.found() if found[2].startswith("entry.where")]
    assert file == JOURNEY
    assert said.removeprefix("entry.where").lstrip(".: ").startswith(message)


def test_what_profiles_keep_does_not_depend_on_tables(shop: Shop) -> None:
    with_tables(shop)
    shop.edit("profiles.yaml", "{field: currency, op", "{field: currency, table: products, column: title, op")
    [(file, _, said)] = shop.found()
    assert file == "profiles.yaml"
    assert said.endswith("where.table: expected no table, found one; tables are looked up in journeys only")


@pytest.mark.parametrize(
    ("text", "instead", "file", "message"),
    [
        ("key: sku", "key: code", "data/products.csv", "expected a column code in the header"),
        (
            "data/products.csv",
            "products.csv",
            "reference.yaml",
            "tables[0].file: expected a readable CSV file",
        ),
        ("kind: text", "kind: word", "reference.yaml", "tables[0].columns[0].kind: expected"),
        (
            "{name: title",
            "{name: price",
            "reference.yaml",
            "tables[0].columns[1].name: expected another column",
        ),
    ],
)
def test_a_mistake_of_reference_data_is_told(
    shop: Shop, text: str, instead: str, file: str, message: str
) -> None:
    assert TABLES.count(text) == 1
    with_tables(shop, TABLES.replace(text, instead))
    assert next(said for name, _, said in shop.found() if name == file).startswith(message)


def test_where_the_tables_have_mistakes_lookups_are_not_told_as_well(shop: Shop) -> None:
    with_tables(shop, TABLES.replace("kind: text", "kind: word"))
    shop.edit(JOURNEY, "{field: price, op: ge", "{field: sku, table: products, column: price, op: ge")
    assert {name for name, _, _ in shop.found()} == {"reference.yaml"}
