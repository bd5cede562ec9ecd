"""Plain questions read into SQL, run by DuckDB over two small tables: the right number, or no reading at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from skills.builtin.table_module import _columns
from skills.table_answer import sentence
from skills.table_question import read
from skills.table_words import Column

TABLES = {
    "sales.csv": (
        "product,region,quantity,revenue\nPen,North,10,15.0\nInk,South,4,60.5\nPad,North,25,50.0\nPen,South,30,45.0\n"
    ),
    "team.csv": (
        "name,role,weekly_hours,started\nAda,engineer,31,2020-01-05\nBo,designer,24,2021-03-01\n"
        "Cleo,engineer,40,2019-07-20\n"
    ),
    "people.csv": "customer,agent,visits\nDee,Eli,4\nFay,Eli,9\n",
    "trips.csv": "class,fare\nFirst,30\nLast,10\n",
    "offers.csv": "product,unit_price,order_number,tax_rate,base_rate\nPen,1.5,1,0.2,0.1\nPen,2.5,2,0.2,0.1\n",
}

ANSWERED: list[tuple[str, str, list[list[Any]]]] = [
    ("sales.csv", "What is the average quantity in sales.csv?", [[17.25]]),
    ("sales.csv", "What is the total revenue of the North region in sales.csv?", [[65.0]]),
    ("sales.csv", "Sum up the revenue in sales.csv", [[170.5]]),
    ("sales.csv", "How many rows are in sales.csv?", [[4]]),
    ("sales.csv", "How many sales are there in the South region?", [[2]]),
    ("sales.csv", "Which regions are in sales.csv?", [["North"], ["South"]]),
    ("sales.csv", "average revenue per region in sales.csv", [["North", 32.5], ["South", 52.75]]),
    ("sales.csv", "Which region has the highest total revenue?", [["South", 105.5]]),
    ("sales.csv", "Which product has the largest quantity?", [["Pen", 40, "total"], ["Pen", 30, "single"]]),
    ("sales.csv", "How many different products are in the sales table?", [[3]]),
    ("sales.csv", "Which products have a revenue of at least 50?", [["Ink"], ["Pad"]]),
    ("sales.csv", "What is the total revenue of pens with a quantity under 20?", [[15.0]]),
    ("sales.csv", "total quantity where revenue is over 20 and the region is South", [[34]]),
    ("sales.csv", "Which region has the most products?", [["North", 2], ["South", 2]]),
    ("team.csv", "How many engineers are in team.csv?", [[2]]),
    ("team.csv", "What is the minimum weekly hours in the team table?", [[24]]),
    ("team.csv", "Show the name with the most weekly hours", [["Cleo", 40]]),
    ("team.csv", "What are the weekly hours of Ada in team.csv?", [[31]]),
    ("team.csv", "Count the rows with weekly hours over 30", [[2]]),
    ("team.csv", "the maximum weekly hours of designers", [[24]]),
    ("team.csv", "Who has the most weekly hours?", [["Cleo", 40]]),
    ("team.csv", "Tell me who of the engineers has the fewest weekly hours", [["Ada", 31]]),
    ("team.csv", "Who started first?", [["Cleo", date(2019, 7, 20)]]),
    ("team.csv", "Which name started last?", [["Bo", date(2021, 3, 1)]]),
    ("team.csv", "Who are the engineers?", [["Ada"], ["Cleo"]]),
    ("team.csv", "Who has weekly hours over 30?", [["Ada"], ["Cleo"]]),
    ("team.csv", "Who are engineers or designers?", [["Ada"], ["Bo"], ["Cleo"]]),
    ("team.csv", "Who has the most hours?", [["Cleo", 40]]),
    ("team.csv", "What is the average hours in team.csv?", [[95 / 3]]),  # weekly_hours, and no other column ends so
    ("team.csv", "What are the hours of Ada?", [[31]]),
    ("team.csv", "average hours per role", [["designer", 24.0], ["engineer", 35.5]]),
    ("team.csv", "How many engineers have hours over 35?", [[1]]),
    ("team.csv", "How many engineers and designers are in team.csv?", [[None, 3], ["designer", 1], ["engineer", 2]]),
    ("sales.csv", "What is the total revenue of North and South?", [[None, 170.5], ["North", 65.0], ["South", 105.5]]),
    ("sales.csv", "total revenue of pens in North or South", [[None, 60.0], ["North", 15.0], ["South", 45.0]]),
    ("sales.csv", "average quantity of pens and ink in the South", [[None, 17.0], ["Ink", 4.0], ["Pen", 30.0]]),
    ("sales.csv", "Which products have the region North or South?", [["Ink"], ["Pad"], ["Pen"]]),
    ("offers.csv", "What is the highest price in offers.csv?", [[2.5]]),
    ("trips.csv", "How many rows have the class First?", [[1]]),
    ("trips.csv", "What is the average fare of First and Last?", [[None, 20.0], ["First", 30.0], ["Last", 10.0]]),
]
NOT_READ = [
    ("sales.csv", "What is the total profit in sales.csv?"),  # no such column
    ("sales.csv", "What is the total revenue without the North region?"),
    ("sales.csv", "What is the total revenue of North but not South?"),
    ("sales.csv", "What is the total revenue of North and West?"),  # no such region
    ("sales.csv", "What is the total revenue between North and South?"),
    ("sales.csv", "What is the total revenue of North, South and North?"),
    ("sales.csv", "What is the total revenue of North South?"),
    ("sales.csv", "What is the total revenue of pens and North or South?"),
    ("sales.csv", "What is the total revenue of neither North nor South?"),
    ("sales.csv", "Which products are in North and South?"),  # in both, or in one of them?
    ("sales.csv", "Which product has the largest revenue in North and South?"),
    ("sales.csv", "What is the revenue of North or South?"),
    ("sales.csv", "Who has the largest revenue?"),  # nobody is in the table
    ("sales.csv", "Which region has the last revenue?"),
    ("sales.csv", "What was the total revenue last year?"),
    ("sales.csv", "What was the total revenue in 2024?"),
    ("sales.csv", "Which region has the largest product?"),  # a text has no size
    ("sales.csv", "Is North the region with the largest revenue?"),
    ("sales.csv", "What does average revenue mean?"),
    ("sales.csv", "What is the total quantity where revenue ≥ 50?"),
    ("sales.csv", "What is the average of the different quantities?"),
    ("sales.csv", "What is the total quantity with a revenue over 1,5?"),  # a decimal comma, or two numbers
    ("team.csv", "How many vacation days do engineers get?"),
    ("team.csv", "What is the average daily hours in team.csv?"),
    ("team.csv", "What is the average weekly in team.csv?"),
    ("team.csv", "What is the total hours in team.csv?"),  # the sum of hours of a week may not be what is meant
    ("team.csv", "Who should work more hours?"),
    ("team.csv", "Who has more weekly hours than Ada?"),
    ("team.csv", "Who has the second most weekly hours?"),
    ("team.csv", "Who has the most weekly hours and started first?"),
    ("team.csv", "Who has the average weekly hours?"),
    ("team.csv", "Who is not an engineer?"),
    ("team.csv", "Who is Ada?"),
    ("team.csv", "Who hired Bo?"),
    ("team.csv", "Who started?"),
    ("team.csv", "Who was first?"),
    ("team.csv", "What is the first name of Ada?"),
    ("team.csv", "What is the total price where hours are over 30?"),
    ("team.csv", "Who is who?"),
    ("team.csv", "Who has the first weekly hours?"),
    ("team.csv", "What was started first?"),
    ("people.csv", "Who has the most visits?"),  # the customer, or the agent?
    ("people.csv", "What is the average visits of the agents?"),
    ("offers.csv", "What is the total price in offers.csv?"),  # of the units, or of all?
    ("offers.csv", "Which product has the highest price?"),  # one product has two rows
    ("offers.csv", "What is the largest number in offers.csv?"),
    ("offers.csv", "What is the average rate?"),
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, duckdb.DuckDBPyConnection]:
    folder: Path = tmp_path_factory.mktemp("tables")
    made = {}
    for name, text in TABLES.items():
        (folder / name).write_text(text)
        made[name] = duckdb.connect()
        made[name].execute(f"CREATE TABLE t AS SELECT * FROM read_csv('{folder / name}')")
    return made


@pytest.mark.parametrize(("table", "question", "rows"), ANSWERED)
def test_it_reads_a_question_into_the_sql_that_answers_it(
    tables: dict[str, duckdb.DuckDBPyConnection], table: str, question: str, rows: list[list[Any]]
) -> None:
    reading = read(question, table, _columns(tables[table]))
    assert reading is not None
    assert [list(row) for row in tables[table].execute(reading.sql).fetchall()] == rows, reading.sql


def test_equal_bests_are_told_in_the_order_of_their_names() -> None:
    rows = ",".join(f"('p{number % 50:02}', {number // 50}, 1)" for number in reversed(range(150)))
    equal = duckdb.connect()
    equal.execute(f"CREATE TABLE t AS SELECT * FROM (VALUES {rows}) AS given(product, shop, revenue)")
    for question in ("Which product has the highest total revenue?", "Which product has the largest revenue?"):
        reading = read(question, "t", _columns(equal))
        assert reading is not None
        found = [row[0] for row in equal.execute(reading.sql).fetchall() if len(row) < 3 or row[2] == "total"]
        assert found == [f"p{number:02}" for number in range(50)], reading.sql


@pytest.mark.parametrize(("table", "question"), NOT_READ)
def test_it_never_guesses(tables: dict[str, duckdb.DuckDBPyConnection], table: str, question: str) -> None:
    assert read(question, table, _columns(tables[table])) is None


def test_it_lists_the_columns(tables: dict[str, duckdb.DuckDBPyConnection]) -> None:
    reading = read("What columns does sales.csv have?", "sales.csv", _columns(tables["sales.csv"]))
    assert reading is not None and reading.shape == "columns"
    found = tables["sales.csv"].execute(reading.sql).fetchall()
    rows = [{"name": row[0], "type": row[1]} for row in found]
    assert sentence(reading, "sales.csv", rows) == "sales.csv has 4 columns: product, region, quantity, revenue."


SAID = [
    (
        "What is the total revenue of North and South?",
        "The total revenue in sales.csv (region is North or South) is 171: North 65, South 106.",
    ),
    ("What is the average quantity?", "The average quantity in sales.csv is 17.25."),
    ("What is the total revenue of the North region?", "The total revenue in sales.csv (region is North) is 65."),
    ("Which region has the highest total revenue?", "South has the largest total revenue in sales.csv: 106."),
    (
        "Which product has the largest revenue?",
        "Ink and Pen have the largest total revenue in sales.csv: 60.5;"
        " the largest in a single row is that of Ink: 60.5.",
    ),
    ("Which regions are there?", "sales.csv has 2 different values of region: North, South."),
    ("What is the total revenue of Ink in the North region?", "sales.csv (product is Ink and region is North) has no"),
]


@pytest.mark.parametrize(("question", "said"), SAID)
def test_it_says_in_a_sentence_what_came_of_it(question: str, said: str) -> None:
    database = duckdb.connect()
    database.execute(
        "CREATE TABLE t AS FROM (VALUES ('Pen', 'North', 10, 15.0), ('Ink', 'South', 4, 60.5),"
        " ('Pad', 'North', 25, 50.0), ('Pen', 'South', 30, 45.5)) AS v(product, region, quantity, revenue)"
    )
    reading = read(question, "sales.csv", _columns(database))
    assert reading is not None
    cursor = database.execute(reading.sql)
    names = [each[0] for each in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert sentence(reading, "sales.csv", rows).startswith(said)


def test_a_name_that_may_mean_two_things_is_not_read() -> None:
    text, number = Column("city", "text", ("Rome", "Oslo")), Column("people", "number")
    assert read("total people in Rome", "t.csv", [text, number]) is not None
    assert read("total people in Rome", "t.csv", [text, Column("born", "text", ("Rome",)), number]) is None
    assert read("total people in Rome", "t.csv", [text, Column("Rome", "number"), number]) is None
    # A row that sums the others would be counted in with them.
    assert read("total people", "t.csv", [Column("city", "text", ("Rome", "Total")), number]) is None
    assert read("total total", "t.csv", [text, Column("total", "number")]) is None


def test_names_and_values_cannot_leave_their_quotation_marks() -> None:
    columns = [Column('a"b', "number"), Column("city", "text", ("O'Brien",))]
    reading = read("total a\"b in O'Brien", "t.csv", columns)
    assert reading is None or reading.sql == 'SELECT sum("a""b") AS value FROM t WHERE "city" = \'O\'\'Brien\''
