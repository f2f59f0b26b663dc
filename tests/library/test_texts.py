"""Words in pictures: stored by content, found however they are written, and forgotten."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from csearchd.library import contents, listings, moves
from csearchd.library.library import Library
from csearchd.library.listings import FileStat, Listing
from csearchd.library.texts.lines import TextLine
from csearchd.library.texts.packing import packed, unpacked
from csearchd.library.texts.pattern import TextPattern, matching_lines
from csearchd.library.texts.tokens import words_of_lines
from support.looked_at import look
from support.written import VERSION, line


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(str(tmp_path / "library.sqlite"))
    yield library
    library.close()


def add(library: Library, count: int, folder: str = "/a", first: int = 0) -> list[int]:
    """Adds pictures that were looked at, the first ones oldest; returns their contents."""
    names = [b"%d.jpg" % (first + number) for number in range(count)]
    stats = [FileStat(name, 1, n * 10**9, 1, n + 1) for n, name in enumerate(names)]
    listings.apply(library, Listing(os.fsencode(folder), stats, [], os.urandom(8)))
    return [look(library, f"{folder}/{name.decode()}", first + n) for n, name in enumerate(names)]


def put(library: Library, content: int, *texts: str, version: str = VERSION) -> None:
    library.texts.put(content, version, [line(text, row) for row, text in enumerate(texts)])


def found(library: Library, text: str) -> list[int]:
    return [int(content) for content in library.texts.contents_with(TextPattern(text))]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        (("Invoice No. 4711",), ("invoice", "INVOICE", "4711", "voice no", "invo", "47", "no. 47")),
        (("Wi-Fi password: ab-9917",), ("wifi", "wi fi", "Wi-Fi", "wifi password", "9917", "b991")),
        (("wi fi pass word",), ("wifi", "Wi-Fi password", "password")),
        (("WIFI PASSWORD",), ("wi-fi password", "wi fi", "wifi pass")),
        (("lnvoice 2O24",), ("invoice", "2024", "Invoice 2024")),
        (("Passw0rd",), ("password", "word")),
        (("1OO EUR, B00K 8OOO",), ("100 eur", "book", "8000")),
        (("DE89 37O4 OO44 O532 O13O 0O",), ("DE89370400440532013000", "3704 0044")),
        (("مُحَمَّد", "O\u0323\u0301la\u0301"), ("محمد", "Ọ\u0301lá", "ola")),
        (("modem art",), ("modern", "modern art")),
        (("Überraschung für Müller",), ("uberraschung", "ÜBERRASCH", "muller", "U\u0308berrasch")),
        (("Stra\u00dfe",), ("strasse", "STRASSE")),
        (("recoived with thanks",), ("received",)),
        (("Rech-", "nung"), ("rechnung",)),
        (("IBAN DE89 3704 0044 0532 0130 00",), ("DE8937040044053201", "37040044", "0044 0532")),
        (("+49 170 1234567",), ("1701234567", "+49 (170) 1234567")),
        (("192.168.178.1",), ("192.168.178.1", "192.168", "168 178")),
        (("東京駅 出口",), ("東京", "京駅", "駅", "東京駅出口", "東 京")),
        (("ひらがなとカタカナ",), ("カタカナ", "がなと")),
        (("서울역 3번 출구",), ("서울", "출구")),
        (("ทางออกฉุกเฉิน",), ("ทางออก", "ฉุกเฉิน")),
        (("ＦＵＬＬ ｗｉｄｔｈ",), ("full width",)),
        (("كتاب جديد",), ("كتاب", "جديد")),
        (("Ёлка и мёд",), ("елка", "мед")),
        (("e-mail to bob@example.org",), ("email", "example.org", "bob@example")),
        (("a",), ("a",)),
    ],
)  # fmt: skip
def test_spellings(library: Library, written: Sequence[str], asked: Sequence[str]) -> None:
    one, other = add(library, 2)
    put(library, one, *written)
    put(library, other, "something else entirely", "12 of 300")
    assert {text: found(library, text) for text in asked} == {text: [one] for text in asked}


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("craft beer", "draft"),
        ("www.example.com", "corn"),
        ("4712", "4711"),
        ("hello lol", "101"),
        ("zoom boss", "200"),
        ("password for the wifi", "wifi password"),
        ("letter", "better"),
        ("京東", "東京"),
        ("station", "nation wide"),
        ('"quoted" AND (NEAR)', "not there"),
    ],
)
def test_what_is_something_else(library: Library, written: str, asked: str) -> None:
    (one,) = add(library, 1)
    put(library, one, written, "better")
    assert found(library, asked) == ([one] if asked == "better" else [])
    put(library, one, written)
    assert found(library, asked) == ([one] if asked == "better" and written == "better" else [])


@pytest.mark.parametrize(
    "text", ['"', '" OR "', "*", "a*", "NEAR(a b)", "{a}:b", "^x", "'", "x" * 5000]
)
def test_nothing_is_syntax(library: Library, text: str) -> None:
    (one,) = add(library, 1)
    put(library, one, "words")
    assert found(library, text) == []


def test_many_words_with_the_same_part(library: Library) -> None:
    pictures = add(library, 40)
    for number, content in enumerate(pictures):
        put(library, content, " ".join(f"part{number}x{n}y" for n in range(50)))
    assert found(library, "part") == pictures
    assert found(library, "part7x") == [pictures[7]]


def test_lines_keep_their_places(library: Library) -> None:
    (one,) = add(library, 1)
    lines = [
        TextLine("Ünï – ✓", (0.0, 0.25, 1.0, 0.25, 1.0, 0.5, 0.0, 0.5), 0.87, "Latn"),
        TextLine("出口", (0.1, 0.2, 0.3, 0.2, 0.3, 0.4, 0.1, 0.4), 1.0, "Jpan"),
        TextLine("12,50", (-0.2, 0.0, 1.4, 0.0, 1.0, 1.0, 0.0, 1.0), 0.0, ""),
    ]
    library.texts.put(one, VERSION, lines)
    kept = library.texts.lines([one])[one]
    for before, after in zip(lines, kept, strict=True):
        assert (after.text, after.script) == (before.text, before.script)
        assert after.confidence == pytest.approx(before.confidence, abs=0.01)
        inside = [min(max(corner, 0.0), 1.0) for corner in before.box]
        assert after.box == pytest.approx(inside, abs=1e-4)
    assert unpacked(packed(lines)[:-3]) == unpacked(b"\xff") == []


def test_words_belong_to_the_content(library: Library) -> None:
    """A rename keeps them, a copy has them, and a deleted file's wait until it is purged."""
    first, second = add(library, 2)
    put(library, first, "Ausfahrt")
    moves.move_file(library, b"/a/0.jpg", b"/a/moved.jpg")
    assert found(library, "ausfahrt") == [first]
    add(library, 1, "/b")  # the content of the first
    assert found(library, "ausfahrt") == [first]
    library.texts.version = VERSION
    assert library.texts.counts() == (2, 1, 0)
    listings.remove(library, b"/a")
    listings.remove(library, b"/b")
    assert found(library, "ausfahrt") == [first]
    assert contents.purge(library, -1) == 2
    assert found(library, "ausfahrt") == [] and library.texts.lines([first]) == {}
    assert add(library, 1, "/c", 7)[0] in (first, second)  # an id is used again
    assert library.texts.counts() == (0, 1, 0)


def test_old_words_serve_while_another_version_reads(library: Library) -> None:
    texts = library.texts
    one, other = add(library, 2)
    put(library, one, "old words", version="1")
    texts.fail(other, "1", "is too large")
    texts.version = "1"
    assert texts.counts() == (1, 0, 1) and texts.next_pending("1", 10) == []
    assert [reason for _, reason in texts.failures()] == ["is too large"]
    texts.version = "2"
    assert texts.counts() == (1, 2, 0) and found(library, "old words") == [one]
    assert {each.content for each in texts.next_pending("2", 10)} == {one, other}
    texts.fail(one, "2", "is a riddle")
    assert found(library, "old words") == [one] and texts.counts() == (0, 1, 1)
    put(library, one, "new words", version="2")
    assert found(library, "old") == [] and found(library, "new") == [one]
    put(library, other, version="2")
    assert texts.counts() == (2, 0, 0) and texts.lines([other]) == {other: []}


def test_newest_and_likeliest_first(library: Library) -> None:
    texts = library.texts
    pictures = add(library, 5)
    listings.apply(
        library,
        Listing(b"/b", [FileStat(b"Screenshot 1.png", 1, 1, 1, 9)], [], os.urandom(8)),
    )
    screenshot = look(library, "/b/Screenshot 1.png", 99)
    texts.queue.likely = lambda contents: contents == pictures[1]
    order = [each.content for each in texts.next_pending(VERSION, 10)]
    assert order == [pictures[1], screenshot, *pictures[:1:-1], pictures[0]]
    first = texts.next_pending(VERSION, 2)
    assert [each.path for each in first] == [b"/a/1.jpg", b"/b/Screenshot 1.png"]
    texts.queue.ask([pictures[3]])
    assert [each.content for each in texts.next_pending(VERSION, 10)] == [pictures[3]]
    put(library, pictures[3], "read")
    texts.queue.stop_asking([pictures[3]])
    assert [each.content for each in texts.next_pending(VERSION, 2)] == [pictures[1], screenshot]


def test_what_is_forgotten_is_not_read_again(library: Library) -> None:
    texts = library.texts
    texts.version = VERSION
    one, other = add(library, 2)
    put(library, one, "very secret words")
    put(library, other, "public words")
    assert texts.withhold(contents.known_below(library, b"/a/0.jpg")) == 1
    assert found(library, "secret") == [] and found(library, "words") == [other]
    assert texts.next_pending(VERSION, 10) == [] and texts.counts() == (1, 0, 0)
    put(library, one, "very secret words")  # a reader that was at it
    texts.fail(one, VERSION, "reason")
    assert found(library, "secret") == [] and texts.state(one).withheld
    library.checkpoint()
    assert b"secret" not in Path(library.path).read_bytes()
    assert texts.release(contents.known_below(library, b"/a")) == 1
    assert [each.content for each in texts.next_pending(VERSION, 10)] == [one]
    put(library, one, "very secret words")
    assert found(library, "secret") == [one]


def test_words_are_noted_as_unused_once_that_is_committed(library: Library) -> None:
    (picture,) = add(library, 1)
    put(library, picture, "quite unusual words")
    library.texts.unused_words.forget()
    with pytest.raises(ZeroDivisionError), library.write() as database:
        library.texts.delete(database, [picture])
        raise ZeroDivisionError
    assert library.setting("text_words_left") is None
    assert not library.texts.unused_words.step()
    with library.write() as database:
        library.texts.delete(database, [picture])
    assert library.setting("text_words_left")
    library.texts.unused_words.forget()
    assert library.setting("text_words_left") is None
    with library.read() as reader:
        assert reader.execute("SELECT count(*) FROM text_vocabulary").fetchone() == (0,)


def test_words_of_a_picture_whose_id_another_one_got(library: Library) -> None:
    texts = library.texts
    add(library, 1)
    (read,) = texts.next_pending(VERSION, 1)
    listings.remove(library, b"/a")
    contents.purge(library, -1)
    assert add(library, 1, "/b", 7) == [read.content]
    texts.put(read.content, VERSION, [line("secret")], read.identity)
    texts.fail(read.content, VERSION, "reason", read.identity)
    assert found(library, "secret") == [] and len(texts.next_pending(VERSION, 1)) == 1


def test_words_are_removed_though_the_service_has_ended(library: Library) -> None:
    """Words that no picture has any more; others stay."""
    one, other = add(library, 2)
    put(library, one, "secret common")
    put(library, other, "public common")
    with library.write() as database:
        library.texts.delete(database, [one])
    library.close()
    again = Library(library.path)
    again.texts.unused_words.forget()
    with again.read() as database:
        words = {row[0] for row in database.execute("SELECT word FROM text_vocabulary")}
    assert words == {"public", "common"}
    assert not again.texts.unused_words.step() and found(again, "omm") == [other]
    again.checkpoint()
    again.close()
    assert b"secret" not in Path(library.path).read_bytes()


def test_failures_are_tried_again(library: Library) -> None:
    texts = library.texts
    (one,) = add(library, 1)
    texts.fail(one, VERSION, "took too long")
    assert texts.failures() == [(b"/a/0.jpg", "took too long")]
    assert texts.next_pending(VERSION, 1) == []
    assert texts.retry_failed() == 1
    assert len(texts.next_pending(VERSION, 1)) == 1 and texts.failures() == []


def test_a_failed_transaction_changes_nothing(library: Library) -> None:
    texts = library.texts
    texts.version = VERSION
    (one,) = add(library, 1)
    with pytest.raises(ZeroDivisionError), library.write():
        put(library, one, "words")
        raise ZeroDivisionError
    assert found(library, "words") == [] and texts.counts() == (0, 1, 0)


@pytest.mark.parametrize("table", ["text_words", "text_parts"])
def test_a_damaged_index_is_made_anew(library: Library, table: str) -> None:
    (one,) = add(library, 1)
    put(library, one, "Ausfahrt freihalten")
    with library.write() as database:
        # Not the record of its structure, without which SQLite can't open it.
        database.execute(f"UPDATE {table}_data SET block = x'ffffffffff' WHERE id > 10")
    assert found(library, "fahrt") == [] and library.texts.damaged
    library.texts.repair()
    assert found(library, "fahrt") == [one] and not library.texts.damaged
    put(library, one, "Einfahrt")
    assert found(library, "ausfahrt") == [] and found(library, "einfahrt") == [one]


def test_nothing_is_pending_without_a_reader(library: Library) -> None:
    texts = library.texts
    (one,) = add(library, 1)
    assert texts.counts() == (0, 0, 0) and texts.remark is not None
    texts.version = VERSION
    assert texts.counts() == (0, 1, 0) and texts.pending_in(None) == [one] and texts.remark is None
    texts.enabled = False
    assert texts.counts() == (0, 0, 0) and texts.pending_in(None) == []


def test_the_line_that_matches() -> None:
    lines = [line("Hotel Post"), line("Total 12,50"), line("Invoice 4711 of the hotel")]

    def best(*texts: str) -> list[str]:
        return [one.text for one in matching_lines(lines, map(TextPattern, texts), 5)]

    assert best("invoice") == ["Invoice 4711 of the hotel"]
    assert best("hotel", "4711") == ["Invoice 4711 of the hotel", "Hotel Post"]
    assert best("total 12") == ["Total 12,50"]
    assert best("nothing") == []


def test_words_of_a_long_page() -> None:
    words = words_of_lines(f"word{number} and-more {number} {number}" for number in range(100_000))
    assert 20_000 <= len(words) <= 40_000 and max(map(len, words)) <= 64
