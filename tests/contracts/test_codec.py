"""The codec under hostile input: each fault with its reason and place, and nothing but an event or a refusal."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import catalogue
from contracts.catalogue import TYPES
from contracts.envelope import codec
from contracts.envelope.codec import Event
from contracts.refusal import REASONS, Problem, Refused
from contracts.topics import MAX_INCOMING
from tests.support.examples import as_record, example, load_examples

Headers = list[tuple[str, bytes | None]]

LOAD = example(catalogue.MILESTONE, "full")
ACCEPTS = catalogue.select("operator")
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def binary(**changes: bytes | None) -> Headers:
    """The headers of the example in binary mode, some of them replaced."""
    headers: dict[str, bytes | None] = dict(as_record(LOAD)[0])
    return list((headers | {name.replace("content_type", "content-type"): v for name, v in changes.items()}).items())


def data(**changes: Any) -> bytes:
    return json.dumps(LOAD.document["data"] | changes).encode()


def document(**changes: Any) -> bytes:
    return json.dumps(LOAD.document | changes).encode()


def decode(headers: Headers, value: bytes | None, limit: int = MAX_INCOMING) -> Event:
    return codec.decode_record(headers, value, ACCEPTS, limit)


def refusal(headers: Headers, value: bytes | None, limit: int = MAX_INCOMING) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(headers, value, limit)
    return caught.value


def first(headers: Headers, value: bytes | None) -> tuple[str, str]:
    problem = refusal(headers, value).first
    return problem.reason, problem.path


HEADER_FAULTS: dict[str, tuple[Headers, tuple[str, str]]] = {
    "a header that is not UTF-8": (binary(ce_id=b"\xff\xfe"), ("bad_header", "$.id")),
    "a null header": (binary(ce_subject=None), ("bad_header", "$.subject")),
    "a null content type": (binary(content_type=None), ("bad_header", "$.datacontenttype")),
    "a header that stands twice": ([*binary(), ("ce_id", b"other")], ("bad_header", "$.id")),
    "the same in another case": ([*binary(), ("CE_ID", b"lhe-77120")], ("bad_header", "$.id")),
    "a content type that stands twice": (
        [*binary(), ("Content-Type", b"text/plain")],
        ("bad_header", "$.datacontenttype"),
    ),
    "an unknown attribute that is not UTF-8": (binary(ce_priority=b"\x80"), ("bad_header", "$.priority")),
    "a name with a line break": ([*binary(), ("ce_a\nb\x00", None)], ("bad_header", "$.a?b?")),
    "a content type of something else": (binary(content_type=b"text/csv"), ("bad_header", "$.datacontenttype")),
    "a content type of Avro": (
        binary(content_type=b"application/avro; charset=utf-8"),
        ("bad_header", "$.datacontenttype"),
    ),
    "no version": ([h for h in binary() if h[0] != "ce_specversion"], ("bad_envelope", "$.specversion")),
    "an older version": (binary(ce_specversion=b"0.3"), ("bad_envelope", "$.specversion")),
    "a version with a space": (binary(ce_specversion=b"1.0 "), ("bad_envelope", "$.specversion")),
    "no id": ([h for h in binary() if h[0] != "ce_id"], ("bad_envelope", "$.id")),
    "an empty id": (binary(ce_id=b""), ("bad_envelope", "$.id")),
    "an id that is too long": (binary(ce_id=b"x" * 401), ("bad_envelope", "$.id")),
    "an id with a NUL": (binary(ce_id=b"a\x00b"), ("bad_envelope", "$.id")),
    "an id with a line break": (binary(ce_id=b"a\nb"), ("bad_envelope", "$.id")),
    "no source": ([h for h in binary() if h[0] != "ce_source"], ("bad_envelope", "$.source")),
    "no type": ([h for h in binary() if h[0] != "ce_type"], ("bad_envelope", "$.type")),
    "no subject": ([h for h in binary() if h[0] != "ce_subject"], ("bad_envelope", "$.subject")),
    "a type of another topic": (binary(ce_type=b"corridor.decision.issued.v1"), ("unknown_type", "$.type")),
    "a type of a later version": (binary(ce_type=b"corridor.milestone.reported.v2"), ("unknown_type", "$.type")),
    "a subject that is no key": (binary(ce_subject=b"KTZU2040605"), ("bad_field", "$.subject")),
    "a subject of a wrong kind": (
        binary(ce_subject=b"case:consignment:a/1/PK/EXPORT/1"),
        ("bad_field", "$.subject"),
    ),
    "a wrong check digit": (binary(ce_subject=b"container:KTZU2040606"), ("check_digit", "$.subject")),
    "a Cyrillic letter": (binary(ce_subject="container:КTZU2040605".encode()), ("bad_field", "$.subject")),
    "a Persian digit": (binary(ce_subject="container:KTZU204060۵".encode()), ("bad_field", "$.subject")),
}

BODY_FAULTS: dict[str, tuple[bytes | None, tuple[str, str]]] = {
    "no body": (None, ("not_json", "$.data")),
    "an empty body": (b"", ("not_json", "$.data")),
    "no JSON": (b"LOAD;KTZU2040605;22.06.2026", ("not_json", "$.data")),
    "a byte order mark": (b"\xef\xbb\xbf" + data(), ("not_json", "$.data")),
    "UTF-16": (data().decode().encode("utf-16"), ("not_json", "$.data")),
    "Windows-1251": (
        json.dumps({"remarks": "вагон"}, ensure_ascii=False).encode("cp1251"),
        ("not_json", "$.data"),
    ),
    "a NaN": (data(delay_minutes=float("nan")), ("not_json", "$.data")),
    "an infinity": (data(later=float("-inf")), ("not_json", "$.data")),
    "a name that stands twice": (data()[:-1] + b', "code": "DEPA"}', ("bad_field", "$.data")),
    "a huge whole number": (data(later=2**53), ("bad_field", "$.data")),
    "a number beyond a double": (data()[:-1] + b', "later": 1e999}', ("bad_field", "$.data")),
    "half a surrogate pair": (data(remarks="\ud800"), ("bad_field", "$.data")),
    "deep nesting": (b'{"a":' * 65 + b"1" + b"}" * 65, ("not_json", "$.data")),
    "very deep nesting": (b"[" * 200_000, ("not_json", "$.data")),
    "an array": (b"[" + data() + b"]", ("bad_field", "$.data")),
    "a text": (b'"LOAD"', ("bad_field", "$.data")),
    "null": (b"null", ("bad_field", "$.data")),
    "no fields": (b"{}", ("bad_field", "$.data.updated_at")),
}

FIELD_FAULTS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "a time without offset": ({"updated_at": "2026-06-22T08:00:00"}, ("time_without_offset", "$.data.updated_at")),
    "an occurrence without offset": (
        {"occurred_at": "2026-06-22 08:00"},
        ("time_without_offset", "$.data.occurred_at"),
    ),
    "a date for an instant": ({"updated_at": "2026-06-22"}, ("bad_field", "$.data.updated_at")),
    "a date that does not exist": ({"occurred_at": "2026-02-30"}, ("bad_field", "$.data.occurred_at")),
    "a Solar Hijri date": ({"occurred_at": "1405-04-01"}, ("bad_field", "$.data.occurred_at")),
    "a date in Persian digits": ({"occurred_at": "۲۰۲۶-۰۶-۲۲"}, ("bad_field", "$.data.occurred_at")),
    "more than microseconds": (
        {"updated_at": "2026-06-22T08:00:00.1234567+05:00"},
        ("bad_field", "$.data.updated_at"),
    ),
    "a time as a number": ({"updated_at": 1782086400}, ("bad_field", "$.data.updated_at")),
    "a code that is not in the table": ({"code": "ZZZ"}, ("bad_field", "$.data.code")),
    "a code in lower case": ({"code": "load"}, ("bad_field", "$.data.code")),
    "a truth value as a text": ({"retracted": "true"}, ("bad_field", "$.data.retracted")),
    "a number as a text": ({"delay_minutes": "9"}, ("bad_field", "$.data.delay_minutes")),
    "a fraction for a whole number": ({"delay_minutes": 9.5}, ("bad_field", "$.data.delay_minutes")),
    "a position as a text": (
        {"position": {"latitude": "31.5", "longitude": 74}},
        ("bad_field", "$.data.position.latitude"),
    ),
    "a position as a truth value": (
        {"position": {"latitude": 31.5, "longitude": True}},
        ("bad_field", "$.data.position.longitude"),
    ),
    "a position off the globe": (
        {"position": {"latitude": 91, "longitude": 74}},
        ("bad_field", "$.data.position.latitude"),
    ),
    "a related wagon of a wrong check digit": ({"wagon": "wagon:1520/24548886"}, ("check_digit", "$.data.wagon")),
    "a related wagon that is a train": ({"wagon": "train:pr/X1/2026-06-22"}, ("bad_field", "$.data.wagon")),
    "a Cyrillic letter in a related container": (
        {"container": "container:СSQU3054383"},
        ("bad_field", "$.data.container"),
    ),
    "a fault inside a list": (
        {"seals": [{"number": "A1"}, {"number": ""}]},
        ("bad_field", "$.data.seals[1].number"),
    ),
    "too many in a list": ({"seals": [{"number": "A1"}] * 21}, ("bad_field", "$.data.seals")),
    "a control character": ({"remarks": "a\x07b"}, ("bad_field", "$.data.remarks")),
    "a text that is too long": ({"remarks": "x" * 1001}, ("bad_field", "$.data.remarks")),
}

ENVELOPE_FAULTS: dict[str, tuple[bytes | None, tuple[str, str]]] = {
    "an array of events": (b"[" + document() + b"]", ("bad_envelope", "$")),
    "a text": (b'"event"', ("bad_envelope", "$")),
    "no JSON": (b"<event/>", ("not_json", "$")),
    "no body": (None, ("not_json", "$")),
    "a name that stands twice": (document()[:-1] + b', "id": "b"}', ("bad_field", "$")),
    "a NaN": (document(weight=float("nan")), ("not_json", "$")),
    "half a surrogate pair": (document(remark="\udfff"), ("bad_field", "$")),
    "no data": (
        json.dumps({k: v for k, v in LOAD.document.items() if k != "data"}).encode(),
        ("bad_envelope", "$.data"),
    ),
    "data in base64": (
        json.dumps({k: v for k, v in LOAD.document.items() if k != "data"} | {"data_base64": "e30="}).encode(),
        ("bad_envelope", "$.data_base64"),
    ),
    "null data": (document(data=None), ("bad_field", "$.data")),
    "data as a text": (document(data=data().decode()), ("bad_field", "$.data")),
    "data of another type": (document(datacontenttype="text/csv"), ("bad_envelope", "$.datacontenttype")),
    "a content type that is a number": (document(datacontenttype=7), ("bad_envelope", "$.datacontenttype")),
    "an older version": (document(specversion="0.3"), ("bad_envelope", "$.specversion")),
    "a version as a number": (document(specversion=1.0), ("bad_envelope", "$.specversion")),
    "an id as a number": (document(id=77120), ("bad_envelope", "$.id")),
    "an id with a NUL": (document(id="a\x00"), ("bad_envelope", "$.id")),
    "no source": (document(source=None), ("bad_envelope", "$.source")),
    "an unknown type": (document(type="corridor.ship.sailed.v1"), ("unknown_type", "$.type")),
    "a wrong check digit": (document(subject="container:KTZU2040606"), ("check_digit", "$.subject")),
    "a subject of a wrong kind": (document(subject="case:consignment:a/1/PK/EXPORT/1"), ("bad_field", "$.subject")),
}

structured: Headers = [("content-type", b"application/cloudevents+json; charset=utf-8")]


@pytest.mark.parametrize("name", HEADER_FAULTS)
def test_a_fault_of_the_headers_has_its_reason_and_place(name: str) -> None:
    headers, expected = HEADER_FAULTS[name]
    assert first(headers, data()) == expected


@pytest.mark.parametrize("name", BODY_FAULTS)
def test_a_fault_of_the_body_has_its_reason_and_place(name: str) -> None:
    body, expected = BODY_FAULTS[name]
    assert first(binary(), body) == expected


@pytest.mark.parametrize("name", ENVELOPE_FAULTS)
def test_a_fault_of_a_structured_event_has_its_reason_and_place(name: str) -> None:
    body, expected = ENVELOPE_FAULTS[name]
    assert first(structured, body) == expected


@pytest.mark.parametrize("name", FIELD_FAULTS)
def test_a_fault_of_a_field_is_the_same_in_both_modes(name: str) -> None:
    changes, expected = FIELD_FAULTS[name]
    assert first(binary(), data(**changes)) == expected
    assert first(structured, document(data=LOAD.document["data"] | changes)) == expected


def test_every_faulty_field_is_told_the_first_20_of_them() -> None:
    seals = [{"number": ""}] * 19
    found = refusal(binary(), data(updated_at="x", code="?", seals=seals, remarks="\x07")).problems
    assert len(found) == 20
    assert found[0] == Problem(
        "bad_field", "$.data.updated_at", "an instant is RFC 3339 with offset and at most microseconds"
    )


def test_a_model_rule_has_the_place_of_the_data() -> None:
    plain = example(catalogue.DECISION, "minimal").document
    bare = {k: v for k, v in plain["data"].items() if k != "officer"}
    with pytest.raises(Refused) as caught:
        codec.decode_structured(plain | {"data": bare}, TYPES)
    assert (caught.value.first.reason, caught.value.first.path) == ("bad_field", "$.data")


def test_a_reference_with_a_wrong_check_digit_has_its_place_in_the_list() -> None:
    plain = example(catalogue.BOOKED, "minimal").document
    references = [
        {"scheme": "invoice", "issuer": "a", "number": "1"},
        {"scheme": "cim", "issuer": "rai", "number": "702689"},
    ]
    with pytest.raises(Refused) as caught:
        codec.decode_structured(plain | {"data": plain["data"] | {"references": references}}, TYPES)
    assert (caught.value.first.reason, caught.value.first.path) == ("check_digit", "$.data.references[1]")


@pytest.mark.parametrize(("size", "taken"), [(MAX_INCOMING, True), (MAX_INCOMING + 1, False)])
@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_a_body_may_have_256_kib_and_not_one_byte_more(size: int, taken: bool, mode: str) -> None:
    body, headers = (data(), binary()) if mode == "binary" else (document(), structured)
    padded = body + b" " * (size - len(body))
    if taken:
        assert decode(headers, padded).id == LOAD.event.id
    else:
        assert first(headers, padded) == ("too_large", "$")


FAULTY_RECORDS: dict[str, tuple[Headers, bytes]] = {
    "a body over the limit": (binary(), b" " * (MAX_INCOMING + 1)),
    "a body that is no JSON": (binary(), b"{"),
    "a field": (binary(), data(code="?")),
    "another content type": (binary(content_type=b"text/csv"), data()),
    "a header behind": ([*binary(), ("ce_extra", None)], data()),
    "structured data": (structured, document(data={})),
    "structured, without data": (structured, document(datacontenttype="text/csv")),
}


@pytest.mark.parametrize("name", FAULTY_RECORDS)
def test_a_refusal_quotes_the_identity_by_which_its_sender_knows_the_report(name: str) -> None:
    assert refusal(*FAULTY_RECORDS[name]).quoted == {
        name: LOAD.document[name] for name in ("id", "source", "type", "subject")
    }


def test_a_quoted_identity_can_be_stored_whatever_it_was() -> None:
    quoted = refusal(binary(ce_id=b"a\x00\nb", ce_source="с".encode() * 500), data()).quoted
    assert quoted["id"] == "a??b" and quoted["source"] == "с" * 200


def test_the_body_is_kept_as_it_was_received() -> None:
    body = json.dumps(LOAD.document["data"], indent=4).encode()
    assert decode(binary(), body).body == body


def test_small_bodies_are_kept_few_large_ones_and_none_of_the_largest() -> None:
    """Thousands of bodies of the largest size would fill the memory."""
    small, large, largest = data(remarks="kept"), data(later="x" * 100_000), data(later="x" * 200_000)
    assert codec.read_data(LOAD.type, small) is codec.read_data(LOAD.type, small)
    read = codec.read_data(LOAD.type, large)
    assert codec.read_data(LOAD.type, large) is read
    for size in range(32):
        codec.read_data(LOAD.type, data(later="y" * (100_000 + size)))
    assert codec.read_data(LOAD.type, large) is not read
    assert codec.read_data(LOAD.type, largest) is not codec.read_data(LOAD.type, largest)


def test_a_number_keeps_its_kind_in_structured_mode() -> None:
    """5.0 is no whole number in either mode; a rewritten body must not make it one."""
    assert first(binary(), data(delay_minutes=5.0)) == ("bad_field", "$.data.delay_minutes")
    assert first(structured, document(data=LOAD.document["data"] | {"delay_minutes": 5.0})) == (
        "bad_field",
        "$.data.delay_minutes",
    )


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"Application/JSON; charset=utf-8",
        b"application/vnd.corridor+json",
        b"",
        b" application/json ",
    ],
)
def test_content_types_of_json_are_taken(content_type: bytes) -> None:
    assert decode(binary(content_type=content_type), data()).data == LOAD.event.data


def test_without_a_content_type_data_are_json() -> None:
    assert decode([h for h in binary() if h[0] != "content-type"], data()).data == LOAD.event.data


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", None, ""])
def test_a_structured_event_may_write_its_content_type_as_it_likes(content_type: str | None) -> None:
    assert decode(structured, document(datacontenttype=content_type)).data == LOAD.event.data


def test_a_structured_record_is_known_without_any_header() -> None:
    assert decode([], document()).content_hash == LOAD.event.content_hash


def test_a_structured_record_is_read_from_its_body_even_with_attributes_in_headers() -> None:
    headers = [*binary(content_type=b"application/cloudevents+json", ce_id=b"from-the-header")]
    assert decode(headers, document()).id == LOAD.event.id


def test_headers_that_are_not_ours_do_not_matter() -> None:
    headers: Headers = [("b3", b"\xff"), ("", None), ("X", None), *binary()]
    assert decode(headers, data()).data == LOAD.event.data


def test_time_is_not_interpreted() -> None:
    assert decode(binary(ce_time=b"yesterday"), data()).data == LOAD.event.data


def test_the_one_spelling_of_a_subject_comes_out() -> None:
    event = decode(binary(ce_subject=b"container:ktzu 204060-5"), data())
    assert (event.subject, event.content_hash) == ("container:KTZU2040605", LOAD.event.content_hash)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("traceparent", TRACE.encode())], TRACE),
        ([("ce_traceparent", TRACE.encode())], TRACE),
        ([("ce_traceparent", TRACE.replace("4b", "5c").encode()), ("traceparent", TRACE.encode())], TRACE),
        ([("traceparent", b"junk"), ("ce_traceparent", TRACE.encode())], TRACE),
        ([("traceparent", TRACE.encode()), ("traceparent", b"junk")], TRACE),
        ([("traceparent", b"\xff")], None),
        ([("traceparent", None)], None),
        ([("traceparent", b"a\x00b")], None),
        ([("traceparent", TRACE.replace("00-", "ff-", 1).encode())], None),
        ([], None),
    ],
)
def test_a_trace_is_carried_through_and_a_broken_one_costs_no_report(headers: Headers, expected: str | None) -> None:
    assert decode([*binary(), *headers], data()).traceparent == expected
    assert decode([*headers, *structured], document()).traceparent == expected


def test_a_trace_inside_a_structured_event_is_carried_through() -> None:
    assert decode(structured, document(traceparent=TRACE)).traceparent == TRACE


def test_an_encoded_event_says_version_schema_and_trace() -> None:
    headers = dict(codec.encode(id="a", source="b", type="t.v1", subject="s", traceparent=TRACE))
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_dataschema"] == b"urn:corridor:schema:t.v1"
    assert headers["traceparent"] == TRACE.encode()


HTTP = [("ce-specversion", "1.0"), ("ce-id", "a"), ("ce-source", "urn:x"), ("ce-type", LOAD.type)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("container:KTZU2040605", "container:KTZU2040605"),
        ("container%3AKTZU2040605", "container:KTZU2040605"),
        ('"container:KTZU2040605"', "container:KTZU2040605"),
        ('"container\\:KTZU2040605"', "container:KTZU2040605"),
    ],
)
def test_an_http_header_is_unquoted_and_percent_decoded(written: str, meant: str) -> None:
    attributes = codec.http_attributes([*HTTP, ("CE-Subject", written)])
    assert codec.decode_http(attributes, data(), ACCEPTS).subject == meant


@pytest.mark.parametrize(
    ("header", "path"),
    [(("ce-subject", "container%3AKTZU%FF"), "$.subject"), (("Ce-Id", "b"), "$.id")],
    ids=["not UTF-8", "twice"],
)
def test_a_bad_http_header_is_refused(header: tuple[str, str], path: str) -> None:
    with pytest.raises(Refused) as caught:
        codec.http_attributes([*HTTP, header])
    assert (caught.value.first.reason, caught.value.first.path) == ("bad_header", path)


def test_a_refusal_over_http_quotes_the_identity() -> None:
    attributes = codec.http_attributes([*HTTP, ("ce-subject", "container:KTZU2040606")])
    with pytest.raises(Refused) as caught:
        codec.decode_http(attributes, data(), ACCEPTS)
    assert caught.value.quoted["id"] == "a"


_names = st.sampled_from(
    ["ce_id", "ce_source", "ce_type", "ce_subject", "ce_specversion", "content-type", "traceparent", "CE_ID", "ce_"]
) | st.text(max_size=8)
_known = st.sampled_from([b"1.0", b"application/json", b"application/cloudevents+json", LOAD.type.encode(), b"run:a/1"])
_headers = st.lists(st.tuples(_names, st.none() | st.binary(max_size=12) | _known), max_size=8)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda v: (
        st.lists(v, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "id", "type", "subject"]) | st.text(max_size=5), v, max_size=4)
    ),
    max_leaves=10,
)
_bodies = st.none() | st.binary(max_size=60) | _json.map(lambda v: json.dumps(v).encode())


def only_an_event_or_a_refusal(headers: Headers, value: bytes | None) -> None:
    try:
        event = codec.decode_record(headers, value, TYPES, MAX_INCOMING)
    except Refused as refusal:
        assert refusal.problems and all(p.reason in REASONS and p.path.startswith("$") for p in refusal.problems)
        told = [text for p in refusal.problems for text in (p.path, p.detail)] + list(refusal.quoted.values())
        assert not [text for text in told if "\x00" in text or text.encode("utf-8", "ignore").decode() != text]
    else:
        assert len(event.content_hash) == 32
        assert codec.read_data(event.type, event.body) == event.data


@given(_headers, _bodies)
@settings(max_examples=400, deadline=None)
def test_any_headers_and_bytes_give_an_event_or_a_refusal(headers: Headers, value: bytes | None) -> None:
    only_an_event_or_a_refusal(headers, value)


GOLDEN = load_examples()


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_damaged_golden_record_gives_an_event_or_a_refusal(draw: st.DataObject) -> None:
    one = draw.draw(st.sampled_from(GOLDEN))
    headers, value = as_record(one, draw.draw(st.sampled_from(["binary", "structured"])))
    start = draw.draw(st.integers(0, len(value)))
    damaged = value[:start] + draw.draw(st.binary(max_size=4)) + value[start + draw.draw(st.integers(0, 4)) :]
    kept = [h for h in headers if draw.draw(st.integers(0, 9))]
    only_an_event_or_a_refusal(
        [*kept, *draw.draw(st.lists(st.tuples(_names, st.binary(max_size=3)), max_size=1))], damaged
    )


_strange: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just([]) | st.just({})
)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_golden_document_with_a_strange_value_gives_an_event_or_a_refusal(draw: st.DataObject) -> None:
    one = draw.draw(st.sampled_from(GOLDEN))
    strange = json.dumps(_with(one.document, draw.draw, _strange)).encode()
    only_an_event_or_a_refusal(structured, strange)


def _with(value: Any, draw: Callable[[Any], Any], strange: Any) -> Any:
    """The value with one node somewhere inside replaced."""
    if not isinstance(value, dict | list) or not value or not draw(st.integers(0, 4)):
        return draw(strange)
    at = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[at] = _with(value[at], draw, strange)
    return copy
