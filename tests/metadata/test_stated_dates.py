"""Which of the dates that are stated of a picture is its own, and how exact it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csearchd.metadata.dates.file_names import from_name
from csearchd.metadata.dates.moment import parse
from csearchd.metadata.dates.stated import Meaning, StatedDate, at_second, in_exif
from csearchd.metadata.record import dated
from csearchd.metadata.xmp import from_xmp

NOW = datetime(2026, 6, 1, 12)
TAKEN, DIGITISED, CHANGED = Meaning.TAKEN, Meaning.DIGITISED, Meaning.CHANGED


def stated(meaning: Meaning, source: str, text: str, offset: str | None = None) -> StatedDate:
    moment = parse(text, offset)
    assert moment is not None
    return StatedDate(meaning, source, moment)


def chosen(*dates: StatedDate, name: str = "a.jpg") -> dict[str, Any]:
    return dated({"dates": list(dates)}, name.encode(), NOW)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2023:05:14 10:11:12", "2023-05-14T10:11:12"),
        ("2023-05-14T10:11:12.5", "2023-05-14T10:11:12"),
        ("2023/05/14 10:11", "2023-05-14T10:11:00"),
        ("2023:5:4 1:02:03", "2023-05-04T01:02:03"),
        ("2023:05:14 10:11:12rubbish", "2023-05-14T10:11:12"),
        ("2023:05:14 10:11:60", "2023-05-14T10:12:00"),
        ("2023:12:31 23:59:60", "2024-01-01T00:00:00"),
        ("2023:05:31 24:00:00", "2023-06-01T00:00:00"),
        ("2023:05:14", "2023-05-14"),
        ("2023:05:14   :  :  ", "2023-05-14"),
        ("2023:05:  ", "2023-05"),
        ("2023: : : : :", "2023"),
        ("1923-00-00", "1923"),
        ("1923:00:00 00:00:00", "1923"),
        ("1923-05-00", "1923-05"),
        ("1923-05-00T10:00:00", "1923-05"),
        ("1923", "1923"),
        ("19230000", "1923"),
        ("19230500", "1923-05"),
        ("20230514", "2023-05-14"),
        ("20230514T101112Z", "2023-05-14T10:11:12"),
        ("2023-05Z", "2023-05"),
        ("23:05:14 10:11:12", "2023-05-14T10:11:12"),
        ("03:04:05 10:11:12", "2003-04-05T10:11:12"),  # in EXIF's order
        ("98:05:14 10:11", "1998-05-14T10:11:00"),
        ("14:05:98 10:11:12.5", "1998-05-14T10:11:12"),
        ("14.05.98", "1998-05-14"),
        ("03.04.23 10:11:12", "2023-04-03T10:11:12"),  # dots stand between day, month and year
        ("05/14/23 10:11:12", "2023-05-14T10:11:12"),
        ("14-05-2023 10:11:12", "2023-05-14T10:11:12"),
        ("05/05/05", "2005-05-05"),
        ("03/04/05 10:11:12", None),
        ("03-04-2023", None),
        ("14/05/23", None),
        ("10:11:12", None),
        ("32.05.14 10:11:12", "1932-05-14T10:11:12"),
        ("1:02:03 10:11:12", None),
        ("99:99:99 10:11:12", None),
        ("0000:00:00 00:00:00", None),
        ("0000-05-14", None),
        ("2023:13:01 10:00:00", None),
        ("2023:02:30 10:00:00", None),
        ("2023:05:14 25:00:00", None),
        ("2023:05:14 10:61:00", None),
        ("9999:12:31 24:00:00", None),
        ("2023 was a good year", None),
        ("20230", None),
        ("    :  :     :  :  ", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date_is_as_exact_as_its_text(text: str, taken: str | None) -> None:
    moment = parse(text)
    assert (str(moment) if moment else None) == taken


@pytest.mark.parametrize(
    ("text", "other", "east"),
    [
        ("2023:06:10 23:06:00+0000", None, 0),
        ("2023:06:10 23:06:00-05:30", "+01:00", -330),
        ("2023:06:10 23:06:00 Z", None, 0),
        ("2023:06:10 23:06:00", "+05:30", 330),
        ("2023-06-10T23:06+02", None, 120),
        ("2023:06:10 23:06:00", "+25:00", None),
        ("2023:06:10 23:06:00", "   :  ", None),
    ],
)
def test_offsets(text: str, other: str | None, east: int | None) -> None:
    moment = parse(text, other)
    assert moment and moment.offset == east and str(moment) == "2023-06-10T23:06:00"


@given(st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)))
def test_any_time_is_read_as_it_was_written(time: datetime) -> None:
    for form in ("%Y:%m:%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%dT%H%M%S"):
        moment = parse(time.strftime(form))
        assert moment and moment.time == time.replace(microsecond=0)


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    parse(text, text, text)


A, B, C = "2023:05:14 10:11:12", "2022:01:02 03:04:05", "2021:03:04 05:06:07"


@pytest.mark.parametrize(
    ("dates", "source"),
    [
        ([(DIGITISED, "sidecar", A), (TAKEN, "exif", B)], "exif"),
        ([(DIGITISED, "exif", A), (TAKEN, "xmp", B)], "xmp"),
        ([(DIGITISED, "exif", A), (TAKEN, "iptc", B)], "iptc"),
        ([(CHANGED, "sidecar", A), (DIGITISED, "iptc", B)], "iptc"),
        ([(CHANGED, "exif", A), (CHANGED, "sidecar", B)], "sidecar"),
        ([(TAKEN, "iptc", A), (TAKEN, "xmp", B), (TAKEN, "exif", C)], "exif"),
        ([(TAKEN, "exif", A), (TAKEN, "takeout", B)], "takeout"),
        ([(TAKEN, "takeout", A), (TAKEN, "sidecar", B)], "sidecar"),
        ([(Meaning.LOCATED, "gps", A), (CHANGED, "exif", B)], "exif"),
        ([(Meaning.LOCATED, "gps", A)], "gps"),
    ],
)
def test_meaning_counts_before_source(dates: list[tuple[Meaning, str, str]], source: str) -> None:
    for order in (dates, dates[::-1]):
        found = chosen(*(stated(*one) for one in order))
        assert found["date_source"] == source and "date_doubtful" not in found


LOCAL, UTC = "2023:06:10 23:06:00", "2023-06-11T03:06:00Z"


@pytest.mark.parametrize(
    "dates",
    [
        [(TAKEN, "sidecar", UTC), (TAKEN, "exif", LOCAL)],
        [(TAKEN, "sidecar", UTC), (TAKEN, "exif", LOCAL, "-04:00")],
        [(TAKEN, "sidecar", UTC), (DIGITISED, "exif", LOCAL)],
        [(TAKEN, "takeout", UTC), (TAKEN, "exif", LOCAL)],
        [(TAKEN, "xmp", UTC), (TAKEN, "exif", LOCAL)],
        [(TAKEN, "xmp", UTC), (TAKEN, "iptc", LOCAL, "-04:00")],
        [(TAKEN, "sidecar", "2023-06-11T05:06:00+02:00"), (TAKEN, "exif", LOCAL, "-04:00")],
        [(TAKEN, "exif", LOCAL), (Meaning.LOCATED, "gps", UTC)],
        [(TAKEN, "exif", LOCAL), (Meaning.LOCATED, "gps", "2023-06-11T03:05:42Z")],
        [(TAKEN, "exif", LOCAL), (DIGITISED, "exif", LOCAL, "-04:00")],
    ],
)
def test_a_moment_told_twice_keeps_its_local_day(dates: list[tuple[Any, ...]]) -> None:
    for order in (dates, dates[::-1]):
        found = chosen(*(stated(*one) for one in order))
        assert (found["taken"], found["utc_offset"]) == ("2023-06-10T23:06:00", -240)


@given(
    time=st.datetimes(datetime(1990, 1, 2), datetime(2025, 1, 1)),
    quarters=st.integers(-48, 56),
    exif_has_offset=st.booleans(),
    source=st.sampled_from(["sidecar", "takeout", "xmp"]),
)
def test_any_moment_told_in_utc_keeps_its_local_time(
    time: datetime, quarters: int, exif_has_offset: bool, source: str
) -> None:
    time = time.replace(microsecond=0)
    sign = "-" if quarters < 0 else "+"
    offset = f"{sign}{abs(quarters) // 4:02}:{abs(quarters) % 4 * 15:02}"
    utc = (time - timedelta(minutes=15 * quarters)).strftime("%Y-%m-%dT%H:%M:%SZ")
    local = time.strftime("%Y:%m:%d %H:%M:%S")
    found = chosen(
        stated(TAKEN, source, utc),
        stated(TAKEN, "exif", local, offset if exif_has_offset else None),
    )
    assert found["taken"] == time.isoformat()
    assert found["utc_offset"] == 15 * quarters


@pytest.mark.parametrize("source", ["sidecar", "takeout", "xmp"])
@pytest.mark.parametrize(
    ("local", "other", "taken"),
    [
        ("2023:06:10 23:06:27", "2023-06-11T03:06Z", "2023-06-10T23:06:27"),
        ("2023:06:10 23:06:59", "2023-06-11T03:06Z", "2023-06-10T23:06:59"),
        ("2023:06:10 23:06", "2023-06-11T03:06:59Z", "2023-06-10T23:06:00"),
        ("2023:06:11 01:06:27", "2023-06-10T22:06:27-07:00", "2023-06-11T01:06:27"),
        ("2023:06:11 01:06:27", "2023-06-10T22:06-07:00", "2023-06-11T01:06:27"),
        ("2023:06:11 05:06:27", "2023-06-10T22:06:27-07:00", "2023-06-11T05:06:27"),
        ("2023:06:10 23:06:27", "2023-06-11T12:06:27+09:00", "2023-06-10T23:06:27"),
        # Not the same moment
        ("2023:06:10 23:06:27", "2023-06-11T03:04Z", "2023-06-11T03:04:00"),
        ("2023:06:11 01:06:27", "2023-06-10T22:07:27-07:00", "2023-06-10T22:07:27"),
    ],
)
def test_a_moment_told_less_exactly_or_by_a_computer_s_clock(
    local: str, other: str, taken: str, source: str
) -> None:
    dates = [stated(TAKEN, source, other), stated(TAKEN, "exif", local)]
    if source == "xmp":  # which counts less than EXIF
        dates[1] = dates[1]._replace(meaning=DIGITISED)
    assert chosen(*dates)["taken"] == taken


@pytest.mark.parametrize(
    ("sidecar", "exif"),
    [
        ("2023-06-11T03:07:00Z", LOCAL),  # not the same moment: somebody corrected it
        ("2023-06-10T19:06:00", LOCAL),  # no zone: the clock was wrong by hours
        ("2023-06-10T19:06:00+02:00", LOCAL),
        ("2023-06-12T03:06:00Z", LOCAL),
    ],
)
def test_a_date_that_was_corrected_counts(sidecar: str, exif: str) -> None:
    found = chosen(stated(TAKEN, "sidecar", sidecar), stated(TAKEN, "exif", exif))
    assert found["taken"] == sidecar[:19]


def test_the_name_knows_the_local_time_of_a_moment_in_utc() -> None:
    found = chosen(stated(TAKEN, "takeout", UTC), name="IMG_20230610_230600.jpg")
    assert (found["taken"], found["utc_offset"]) == ("2023-06-10T23:06:00", -240)
    assert found["date_source"] == "takeout"
    found = chosen(stated(TAKEN, "exif", LOCAL), name="PXL_20230611_030600123.jpg")
    assert (found["taken"], found["utc_offset"]) == ("2023-06-10T23:06:00", -240)


def test_the_more_exact_of_two_that_agree() -> None:
    for coarse in ("2023", "2023-05", "2023-05-14"):
        found = chosen(stated(TAKEN, "sidecar", coarse), stated(TAKEN, "exif", A))
        assert (found["taken"], found["date_source"]) == ("2023-05-14T10:11:12", "exif")
    found = chosen(stated(TAKEN, "sidecar", "2022"), stated(TAKEN, "exif", A))
    assert (found["taken"], found["date_source"]) == ("2022", "sidecar")
    found = chosen(stated(TAKEN, "sidecar", "1923"), stated(DIGITISED, "exif", "1923:05:01 10:00"))
    assert found["taken"] == "1923"


DOUBTFUL = [
    "0001:01:01 00:00:00", "1601:01:01 00:00:00", "1825:12:31 23:59:59", "1825",
    "1904:01:01 00:00:00", "1970:01:01 00:00:00", "1969:12:31 16:00:00", "1970:01:01 09:00:00",
    "1979:11:30 00:00:00", "1980:01:01 00:00:00", "1980:01:01",
    "2000:01:01 00:00:00", "2000:01:01", "2000:01:01 12:00:00", "2002:12:08 12:00:00",
    "2026:06:02 12:00:01", "2077:01:01 10:00:00",
]  # fmt: skip
GOOD = [
    "1826:01:01 00:00:00", "1970:01:01 00:00:01", "1970:01:02 09:00:00", "1979:11:30 10:00:00",
    "1980:01:02 00:00:00", "2000:01:01 09:11:12",
    "2000", "1980", "1970", "2026:06:02 11:59:59", "2020:01:01 00:00:00", "1923",
]  # fmt: skip


@pytest.mark.parametrize("text", DOUBTFUL)
def test_invented_dates_are_kept_as_doubtful_where_nothing_better_is_known(text: str) -> None:
    alone = chosen(stated(TAKEN, "exif", text), stated(DIGITISED, "exif", text))
    assert alone == {"taken": str(parse(text)), "date_source": "exif", "date_doubtful": 1}
    better = chosen(stated(TAKEN, "exif", text), stated(CHANGED, "xmp", B))
    assert better == {"taken": "2022-01-02T03:04:05", "date_source": "xmp"}
    named = chosen(stated(TAKEN, "exif", text), name="IMG-20230514-WA0001.jpg")
    assert named == {"taken": "2023-05-14", "date_source": "name"}


@pytest.mark.parametrize("text", GOOD)
def test_dates_that_cameras_do_not_invent(text: str) -> None:
    found = chosen(stated(TAKEN, "exif", text), name="IMG-20230514-WA0001.jpg")
    assert found == {"taken": str(parse(text)), "date_source": "exif"}


def test_what_confirms_a_date_of_those_that_cameras_invent() -> None:
    midnight = stated(TAKEN, "exif", "2000:01:01 00:00:00")
    located = stated(Meaning.LOCATED, "gps", "2000-01-01T00:00:03Z")
    assert "date_doubtful" not in chosen(midnight, located)
    assert "date_doubtful" not in chosen(midnight, name="20000101_000000.jpg")
    # Somebody gave it this day in place of the scanner's
    scanned = stated(TAKEN, "exif", "2015:02:03 10:00:00")
    given = stated(TAKEN, "sidecar", "1980-01-01T00:00:00")
    assert chosen(given, scanned) == {"taken": "1980-01-01T00:00:00", "date_source": "sidecar"}


def test_a_name_from_the_future_is_none() -> None:
    assert from_name(b"20990514_101112.jpg")
    assert chosen(name="20990514_101112.jpg") == {}


def test_epoch_is_a_date() -> None:
    zero = at_second(0)
    assert zero and chosen(StatedDate(TAKEN, "takeout", zero))["taken"] == "1970-01-01T00:00:00"
    assert at_second(10**30) is None


@pytest.mark.parametrize(
    ("gps", "taken"),
    [
        ({29: "2023:05:14", 7: (10.0, 11.0, 12.25)}, "2023-05-14T10:11:12"),
        ({29: "2023:05:14"}, "2023-05-14"),
        ({29: "2023:05:14", 7: (10.0, float("nan"), 12.0)}, "2023-05-14"),
        ({29: "2023:05:14", 7: (99.0, 0.0, 0.0)}, "2023-05-14"),
        ({29: "2023:05:14", 7: (10.0, 11.0, float("nan"))}, "2023-05-14T10:11:00"),
        ({7: (10.0, 11.0, 12.0)}, None),
        ({29: "", 7: (0.0, 0.0, 0.0)}, None),
    ],
)
def test_what_satellites_say(gps: dict[int, Any], taken: str | None) -> None:
    found = dated({"dates": in_exif({}.get, gps.get)}, b"a.jpg", NOW)
    assert found.get("taken") == taken
    assert found.get("date_source") == ("gps" if taken else None)


def test_fractions_of_a_second() -> None:
    for digits, milliseconds in (("5", 500), ("05", 50), ("123456", 123), (" 7 ", 700)):
        (date,) = in_exif({36867: A, 37521: digits}.get, {}.get)
        assert date.moment.milliseconds == milliseconds
    (date,) = in_exif({36867: A, 37521: "x"}.get, {}.get)
    assert date.moment.milliseconds is None


def test_the_properties_of_xmp() -> None:
    text = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" {}/></rdf:RDF></x:xmpmeta>'
    )
    properties = (
        "exif:DateTimeOriginal", "photoshop:DateCreated", "exif:DateTimeDigitized",
        "xmp:CreateDate", "xmp:ModifyDate", "tiff:DateTime", "exif:GPSTimeStamp",
    )  # fmt: skip
    for first in range(len(properties)):
        left = properties[first:]
        attributes = (f'{name}="{2001 + properties.index(name)}-02-03T04:05:06"' for name in left)
        found = dated(from_xmp(text.format(" ".join(attributes)).encode()), b"a.jpg", NOW)
        assert found["taken"] == f"{2001 + first}-02-03T04:05:06", left[0]
