"""Parsing dates as people write them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csearchd.errors import DateError
from csearchd.search.query_language.dates import period, span

NOW = datetime(2026, 11, 20, 12, 30)  # a Friday


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2023", "2023-01-01", "2024-01-01"),
        ("2023-05", "2023-05-01", "2023-06-01"),
        ("2023-12", "2023-12-01", "2024-01-01"),
        ("2024-2-29", "2024-02-29", "2024-03-01"),
        ("2023/05/17", "2023-05-17", "2023-05-18"),
        ("2023-05-17T14:30", "2023-05-17T14:30", "2023-05-17T14:31"),
        ("20230517", "2023-05-17", "2023-05-18"),
        ("202305", "2023-05-01", "2023-06-01"),
        ("20230517T1430", "2023-05-17T14:30", "2023-05-17T14:31"),
        ("20230517_143005", "2023-05-17T14:30:05", "2023-05-17T14:30:06"),
        ("2023.05.17", "2023-05-17", "2023-05-18"),
        ("2023_05_17", "2023-05-17", "2023-05-18"),
        ("2023:05:17", "2023-05-17", "2023-05-18"),
        ("2023:05:17 14:30:05", "2023-05-17T14:30:05", "2023-05-17T14:30:06"),
        ("2023/5", "2023-05-01", "2023-06-01"),
        ("17052023", "2023-05-17", "2023-05-18"),
        ("20112012", "2012-11-20", "2012-11-21"),
        ("17.5.2023", "2023-05-17", "2023-05-18"),
        ("5/17/2023", "2023-05-17", "2023-05-18"),
        ("4/4/2023", "2023-04-04", "2023-04-05"),
        ("last summer", "2026-06-01", "2026-09-01"),
        ("summer 2022", "2022-06-01", "2022-09-01"),
        ("Summer of 2022", "2022-06-01", "2022-09-01"),
        ("winter 2022", "2022-12-01", "2023-03-01"),
        ("last winter", "2025-12-01", "2026-03-01"),
        ("last autumn", "2025-09-01", "2025-12-01"),
        ("this fall", "2026-09-01", "2026-12-01"),
        ("today", "2026-11-20", "2026-11-21"),
        ("yesterday", "2026-11-19", "2026-11-20"),
        ("3 weeks ago", "2026-10-30", "2026-10-31"),
        ("two years ago", "2024-11-20", "2024-11-21"),
        ("in May 2023", "2023-05-01", "2023-06-01"),
        ("in 2019", "2019-01-01", "2020-01-01"),
        ("in 3 weeks", "2026-12-11", "2026-12-12"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("May", "2026-05-01", "2026-06-01"),
        ("december", "2025-12-01", "2026-01-01"),
        ("May  2023", "2023-05-01", "2023-06-01"),
        ("5 May 2023", "2023-05-05", "2023-05-06"),
        ("last friday", "2026-11-13", "2026-11-14"),
    ],
)
def test_periods(text: str, start: str, end: str) -> None:
    expected = (datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert period(text, NOW) == expected


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (datetime(2026, 7, 1), datetime(2025, 6, 1)),
        (datetime(2026, 9, 1), datetime(2026, 6, 1)),
        (datetime(2026, 2, 1), datetime(2025, 6, 1)),
    ],
)
def test_the_last_summer_is_over(now: datetime, start: datetime) -> None:
    assert period("last summer", now).start == start


def test_spans() -> None:
    assert span("2023-06..2023-08", NOW) == (datetime(2023, 6, 1), datetime(2023, 9, 1))
    assert span("..2023", NOW) == (datetime.min, datetime(2024, 1, 1))
    assert span("May 2023 ..", NOW) == (datetime(2023, 5, 1), datetime.max)
    assert span("last summer", NOW).start == datetime(2026, 6, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("03/04/2023", "two ways"),
        ("17.5.23", "several ways"),
        ("2023-02-29", "there is no"),
        ("20230229", "there is no"),
        ("20231301", "there is no"),
        ("99999999", "there is no"),
        ("200112", "write 2001-12 or 2020-01-12"),
        ("01022023", "write 2023-01-02 or 2023-02-01"),
        ("230517", "several ways"),
        ("1234567", "not a date"),
        ("2023-13", "there is no"),
        ("31.4.2023", "there is no"),
        ("31 February 2023", "not a date"),
        ("May 45", "there is no"),
        ("13", "not a date"),
        ("0000", "there is no"),
        ("9999", "there is no"),
        ("the beach", "not a date"),
        ("a", "not a date"),
        ("2020s", "not a date"),
        ("", "not a date"),
        ("..", "before or after"),
        ("2024..2023", "later than"),
    ],
)
def test_what_is_no_date(text: str, said: str) -> None:
    with pytest.raises(DateError) as caught:
        span(text, NOW)
    assert said in str(caught.value)


_WORDS = st.sampled_from(
    [
        "last",
        "this",
        "next",
        "ago",
        "summer",
        "week",
        "month",
        "year",
        "day",
        "may",
        "in",
        "of",
        "at",
    ]
)
_PIECES = st.sampled_from(["3", "31", "2023", "-05", "/", ".", ":", "..", "9" * 20, "٣", "½"])


@settings(deadline=None, max_examples=100)
@given(st.one_of(st.text(max_size=30), st.lists(_WORDS | _PIECES, max_size=6).map(" ".join)))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    try:
        found = span(text, NOW)
    except DateError as error:
        assert str(error)
    else:
        assert found.start < found.end


def test_the_time_zone_needs_no_known_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XXX-3")
    assert period("3 hours ago", NOW) == span("2026-11-20T09:30", NOW)
    assert period("yesterday", NOW) == span("2026-11-19", NOW)
