"""CSV files of shops: delimiters, quotes and types; every faulty line is told with its number, the others are taken."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.domain import ITEMS
from decisions.ingest.collections import collection_of
from decisions.ingest.csv_encoding import FeedEncodingUnknown
from decisions.ingest.csv_items import LONGEST_RECORD, FeedHeaderInvalid, Line, open_csv
from decisions.ingest.forms import item_form

HEAD = "item_id,title,price,stock,rating\n"


def read(text: str | bytes, collection: str = ITEMS) -> list[Line]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(open_csv(BytesIO(content), item_form(collection_of(collection))).lines())


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv__of_each_delimiter__becomes_items(delimiter):
    text = HEAD.replace(",", delimiter) + delimiter.join(["mug", '"A ""big"" mug, blue; 杯子"', "12.50", "3", "4.5"])
    (line,) = read(text)
    assert line.item is not None
    item_id, values = line.item
    assert (item_id, values["title"]) == ("mug", 'A "big" mug, blue; 杯子')
    assert (values["price"], values["stock"], values["rating"]) == (12_500_000, 3, 4.5)


def test_csv__empty_cells__are_unknown_and_empty_lines_are_none():
    found = read(HEAD + "mug,,,,\n\n\r\nlamp, Lamp , 3 , 4 , 5 \n")
    assert [line.number for line in found] == [2, 5]
    mug, lamp = (line.item for line in found)
    assert mug == ("mug", {"title": "", "category": "", "price": None, "rating": None, "stock": None, "properties": {}})
    assert (lamp[1]["title"], lamp[1]["price"], lamp[1]["stock"]) == (" Lamp ", 3_000_000, 4)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("mug,Mug,12", "It has 3 fields, the header has 5."),
        ("mug,Mug,12,3,4,5", "It has 6 fields"),
        (",Mug,12,3,4", "item_id"),
        ("mug,Mug,-1,3,4", "price must be a number of at least 0"),
        ("mug,Mug,1 000,3,4", "price"),
        ("mug,Mug,12,many,4", "stock must be a whole number"),
        ("mug,Mug,12,1.5,4", "stock"),
        ("mug,Mug,12,3,nan", "rating must be a number from 0 to 5"),
        ("mug,Mug,12,3,1_0", "rating"),
        ('mug,"Mug"s,12,3,4', "no record of a CSV file"),
        ("mug,M\0g,12,3,4", "title"),
    ],
)
def test_csv__faulty_line__is_told_and_the_next_is_taken(line, told):
    bad, good = read(f"{HEAD}{line}\nlamp,Lamp,1,1,1\n")
    assert (bad.number, bad.item, told in bad.fault) == (2, None, True)
    assert (good.number, good.item[0]) == (3, "lamp")


def test_csv__text_over_several_lines__counts_them_all():
    found = read(HEAD + 'mug,"two\nlines",1,1,1\nlamp,Lamp,1,1,1\n')
    assert [(line.number, line.lines) for line in found] == [(2, 2), (4, 1)]


def test_csv__quote_that_never_ends__is_a_fault_of_all_the_lines_it_swallows():
    found = read(HEAD + 'mug,"Mug,1,1,1\n' + "lamp,Lamp,1,1,1\n" * 9)
    assert [(line.number, line.lines, line.item) for line in found] == [(2, 10, None)]


def test_csv__record_of_endless_fields_over_many_lines__is_given_up_with_the_lines_it_has():
    content = HEAD + '"text\n",' * (LONGEST_RECORD // 4)
    first, *rest = read(content)
    assert (first.number, first.item) == (2, None)
    assert str(LONGEST_RECORD) in first.fault
    assert rest
    assert first.lines + sum(line.lines for line in rest) == content.count("\n")


def test_csv__line_with_a_damaged_character__is_refused_alone():
    lines = (HEAD + "mug,杯子,1,1,1\nlamp,台灯,1,1,1\n").encode() + "cup,杯".encode()[:-1] + b",1,1,1\n"
    found = read(lines)
    assert [line.item is None for line in found] == [False, False, True]
    assert "title must be a text" in found[2].fault


def test_csv__in_gb18030__has_its_characters():
    (line,) = read((HEAD + "mug,杯子,1,1,1\n").encode("gb18030"))
    assert line.item[1]["title"] == "杯子"


def test_csv__of_another_collection__has_its_fields():
    (line,) = read("\ufeffitem_id;campaign;bid\nad-1;spring;0.5\n", "creatives")
    assert line.item[1]["properties"] == {"campaign": "spring", "bid": 0.5}


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("", "names no item_id"),
        ("sku,title", "names no item_id: 'sku,title'"),
        ("item_id|title", "names no item_id"),
        ("item_id,colour", "no field 'colour'; it has item_id, title"),
        ("item_id,", "no field ''"),
        ("item_id,title,title", "title appears twice"),
        ('"item_id', "names no item_id"),
    ],
)
def test_csv__header_that_names_no_fields__is_refused(head, told):
    with pytest.raises(FeedHeaderInvalid, match=told.replace("|", r"\|")):
        open_csv(BytesIO(f"{head}\nmug,Mug\n".encode()), item_form(collection_of(ITEMS)))


@given(st.binary(max_size=200))
def test_csv__whatever_follows_the_header__is_taken_or_told(content):
    try:
        found = read(HEAD.encode() + content)
    except FeedEncodingUnknown:
        return
    assert all((line.item is None) == bool(line.fault) for line in found)
