"""In which encoding a file is; one that cannot be told is refused, never guessed."""

from io import BytesIO

import pytest

from decisions.ingest.csv_encoding import LONGEST_LINE, FeedEncodingUnknown, encoding_of

CHINESE = "item_id,title\na,杯子\nb,围巾\nc,台灯\n"


def codec(content: bytes) -> str:
    return encoding_of(BytesIO(content)).codec


def test_encoding__of_plain_and_marked_utf8__is_utf8_and_the_mark_is_skipped():
    assert codec(b"item_id\na\n") == "utf-8"
    assert codec(CHINESE.encode()) == "utf-8"
    assert encoding_of(BytesIO(b"\xef\xbb\xbf" + CHINESE.encode())).start == 3
    assert codec(b"") == "utf-8"


@pytest.mark.parametrize("name", ["gb18030", "gbk", "gb2312"])
def test_encoding__of_chinese_files__is_gb18030(name):
    assert codec(CHINESE.encode(name)) == "gb18030"


def test_encoding__one_title_cut_in_a_character__stays_utf8():
    cut = CHINESE.encode() + "d,杯".encode()[:-1] + b"\n"
    assert (codec(cut), encoding_of(BytesIO(cut)).errors) == ("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "content",
    [
        "item_id,title\na,Crème brûlée\nb,Théière\n".encode("latin-1"),
        "item_id,title\na,Café\n".encode("cp1252"),
        CHINESE.encode("utf-16"),
        b"item_id\n\xff\xfe\xff\n",
        b"x" * (LONGEST_LINE + 1),
    ],
    ids=["latin-1", "cp1252", "utf-16", "bytes", "no lines"],
)
def test_encoding__of_anything_else__is_refused(content):
    with pytest.raises(FeedEncodingUnknown):
        encoding_of(BytesIO(content))
