import json

import pytest

from cdc.change import ABSENT, Begin, Column, Kind, Marker, Op, Relation
from cdc.envelope import (
    NULL,
    DecodeError,
    EncodeError,
    Log,
    RecordId,
    RowCodec,
    Transaction,
    decode,
    decode_id,
    decode_key,
)

REVIEW = Relation(
    "reviews_review",
    "public",
    "reviews_review",
    (
        Column("id", Kind.INTEGER, "bigint", key=True),
        Column("body", Kind.TEXT, "text"),
        Column("email", Kind.TEXT, "text"),
    ),
)


def transaction(**begin):
    given = {"position": 0x16B3748, "xid": "771", "at_ms": 1_763_631_000_250} | begin
    return Transaction(
        Log("reviews", "postgresql", "shop"), Begin(**given), "0/16B3748", 2, 7, 1_763_631_000_262
    )


def test_an_envelope_is_what_the_documentation_shows():
    codec = RowCodec(REVIEW)
    after, unavailable = codec.row((5, "Warm", None))
    value = transaction().value(REVIEW, Op.CREATE, 3, NULL, after, unavailable)
    assert json.loads(value) == {
        "before": None,
        "after": {"id": 5, "body": "Warm", "email": None},
        "source": {
            "connector": "postgresql",
            "name": "reviews",
            "db": "shop",
            "schema": "public",
            "table": "reviews_review",
            "position": "0/16B3748",
            "xid": "771",
            "ts_ms": 1_763_631_000_250,
            "snapshot": False,
        },
        "op": "c",
        "ts_ms": 1_763_631_000_262,
        "transaction": {"id": "771", "total_order": 3},
    }


def test_a_column_that_was_not_logged_is_absent_and_named():
    after, unavailable = RowCodec(REVIEW).row((5, ABSENT, None))
    value = decode(transaction().value(REVIEW, Op.UPDATE, 0, NULL, after, unavailable))
    assert value["after"] == {"id": 5, "email": None}
    assert value["unavailable"] == ["body"]


def test_columns_leave_as_they_are_told_to_and_null_stays_null():
    codec = RowCodec(REVIEW, [(0, None), (2, lambda email: f"<{len(email)}>")])
    assert codec.row((5, "Warm", "ann@example.org")) == (b'{"id":5,"email":"<15>"}', ())
    assert codec.row((5, "Warm", None)) == (b'{"id":5,"email":null}', ())
    assert codec.row((5, "Warm", ABSENT)) == (b'{"id":5}', ("email",))


@pytest.mark.parametrize("value", [0, -1, 2**63 - 1, "a", 'with "quotes"', "ü", True])
def test_a_key_of_one_column_is_an_object(value):
    assert json.loads(RowCodec(REVIEW).key((value, "", ""))) == {"id": value}


def test_a_key_of_several_columns_keeps_the_order_of_the_table():
    columns = tuple(Column(n, Kind.TEXT, "text", key=n != "x") for n in ("b", "x", "a"))
    codec = RowCodec(Relation("t", "public", "t", columns))
    assert codec.key(("1", "2", "3")) == b'{"b":"1","a":"3"}'
    assert codec.key_values(("1", "2", "3")) == ("1", "3")


def test_text_that_is_no_text_names_its_column():
    with pytest.raises(EncodeError, match=r"reviews_review\.body is not text in UTF-8"):
        RowCodec(REVIEW).row((5, "\udcff", None))
    with pytest.raises(EncodeError):
        RowCodec(REVIEW).key(("\udcff", "", ""))


def test_a_marker_has_its_body_and_its_place():
    marker = Marker("reviews", "barrier", 12, {"for": "verify"})
    value = decode(transaction().marker(marker))
    assert value["op"] == "m"
    assert value["marker"] == {"kind": "barrier", "seq": 12, "body": {"for": "verify"}}
    assert value["source"]["position"] == "0/16B3748"


def test_headers_name_the_record_the_relay_and_the_origin():
    named = ("id", b"2/00000000016b3748/17")
    assert transaction().headers(17) == [named, ("epoch", b"7")]
    replicated = transaction(origin="strangler:reviews").headers(17)
    assert replicated == [named, ("epoch", b"7"), ("origin", b"strangler:reviews")]


def test_ids_order_by_incarnation_then_position_then_index():
    texts = [b"1/00000000016b3748/9", b"1/00000000016b3748/10", b"1/00000000016b3749/0",
             b"2/0000000000000001/0"]  # fmt: skip
    ids = [decode_id(text) for text in texts]
    assert ids == sorted(ids)
    assert [str(each).encode() for each in ids] == texts
    assert ids[0] == RecordId(1, 0x16B3748, 9)


@pytest.mark.parametrize("given", [b"", b"1/2", b"x/y/z", b"1/00g/3", b"1/2/3/4"])
def test_a_broken_id_is_said(given):
    with pytest.raises(DecodeError, match="INCARNATION/POSITION/INDEX"):
        decode_id(given)


@pytest.mark.parametrize("given", [b"", b"[]", b"{}", b"\xff", b'{"op"'])
def test_what_is_no_envelope_is_said(given):
    with pytest.raises(DecodeError):
        decode(given)


@pytest.mark.parametrize("given", [None, b"", b"[]", b"x"])
def test_what_is_no_key_is_said(given):
    with pytest.raises(DecodeError, match="key"):
        decode_key(given)
