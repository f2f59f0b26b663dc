"""digiKam shows our words, and csearch finds its own. Slow, and half a gigabyte to install, so that
it is done where digiKam is there already."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from support.desktop import Desktop, needs
from support.photos import write_photos
from support.user import User, wait_for
from tags.bench import Bench
from tags.pictures import fields, need, need_exiftool

pytestmark = [needs("xdotool"), pytest.mark.timeout(900)]

SETTINGS = """
[General Settings]
Version=7.9.0
Scan At Start=true
Show Splash=false

[Database Settings]
Database Type=QSQLITE
Database Name={0}/
Database Name Face={0}/
Database Name Similarity={0}/
Database Name Thumbnails={0}/

[Album Settings]
Album Library Path={0}/

[Metadata Settings]
Use XMP Sidecar For Reading=true
Save Tags=true
"""
ENVIRONMENT = {
    "KDE_DEBUG": "1",  # it ends where it would open a dialog on a crash
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "QTWEBENGINE_DISABLE_SANDBOX": "1",  # which root hasn't
}
WINDOW = ("/Digikam", "org.kde.KMainWindow")


class DigiKam:
    """digiKam with a collection of the user's pictures."""

    def __init__(self, desktop: Desktop) -> None:
        self._desktop = desktop
        self._home = desktop.user.home
        self._directory = self._home / "digikam"
        self._directory.mkdir()
        (self._home / ".config").mkdir(exist_ok=True)
        self._settings = self._home / ".config" / "digikamrc"
        self._settings.write_text(SETTINGS.format(self._directory))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ("digikam", "--database-directory", str(self._directory))
        self._process = self._desktop.run(*command, **ENVIRONMENT)

    def open(self, collection: Path) -> None:
        """Starts it, with a database of its own where there is none."""
        self.start()
        wait_for(lambda: self.ask("SELECT * FROM Settings WHERE keyword = 'Locale'"), "a database")
        self.stop()
        self.ask(
            "INSERT INTO AlbumRoots (label, status, type, identifier, specificPath) "
            "VALUES ('Pictures', 0, 1, ?, '/')",
            f"volumeid:?path={collection}",
        )
        self.start()

    def forget(self) -> None:
        """All that is known is in the pictures from now on."""
        for file in self._directory.glob("*.db*"):
            file.unlink()

    def stop(self) -> None:
        if self._process:
            # Its exiftool would wait for commands for ever.
            subprocess.run(["pkill", "-KILL", "-P", str(self._process.pid)])
            self._process.kill()
            self._process.wait()
            self._process = None

    def ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """What its database answers; nothing before there is one."""
        try:
            file = f"file:{self._directory}/digikam4.db?mode=rw"
            with closing(
                sqlite3.connect(file, timeout=30, uri=True, isolation_level=None)
            ) as database:
                return database.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []

    def has_read(self, picture: str) -> bool:
        """Whether it has stored everything about the picture."""
        return bool(
            self.ask(
                "SELECT 1 FROM Images JOIN ImageInformation ON imageid = id "
                "WHERE name = ? AND album IS NOT NULL AND uniqueHash <> '' AND format <> ''",
                picture,
            )
        )

    def tags(self, picture: str) -> set[str]:
        """The paths of the picture's tags, as digiKam shows them."""
        rows = self.ask(
            "WITH RECURSIVE path (tag, name, parent) AS ("
            "SELECT id, name, pid FROM Tags UNION ALL "
            "SELECT tag, Tags.name || '/' || path.name, pid FROM Tags JOIN path ON id = parent) "
            "SELECT path.name FROM path JOIN ImageTags ON tagid = tag JOIN Images ON id = imageid "
            "WHERE parent = 0 AND Images.name = ? AND Images.album IS NOT NULL",
            picture,
        )
        return {str(row[0]) for row in rows}

    def select(self, album: str) -> None:
        """The album that is open when it starts next, as it remembers it itself."""
        ((number,),) = self.ask("SELECT id FROM Albums WHERE relativePath = ?", album)
        with self._settings.open("a") as settings:
            settings.write(
                f"\n[MainWindow]\nInitialAlbumID={number}\n"
                f"\n[AlbumFolderView Sidebar]\nCurrentIndex={number}\nSelection={number}\n"
            )

    def write_metadata(self, is_written: Callable[[], bool]) -> None:
        """Writes what it knows into all pictures of the album that is open, until `is_written`."""
        bus = self._desktop.bus
        name = f"org.kde.digikam-{self._process.pid}" if self._process else ""
        wait_for(lambda: bus.has(name), "digiKam on the bus")
        self._dismiss("Download required files")
        action = "album_write_metadata"

        def enabled() -> bool:
            return bool(bus.call(WINDOW, "actionIsEnabled", "s", action, destination=name)[0])

        def written() -> bool:
            wait_for(enabled, "an open album")
            bus.call(WINDOW, "activateAction", "s", action, destination=name)
            with suppress(AssertionError):
                return bool(wait_for(is_written, "what it writes", 20.0))
            return False

        wait_for(written, "digiKam writing")

    def _dismiss(self, title: str) -> None:
        """Waits for a dialog, and asks it to go until it has gone."""
        dialog = self._desktop.window(title)

        def gone() -> bool:
            with suppress(AssertionError):  # it went meanwhile
                self._desktop.keys("windowfocus", dialog, "key", "Escape")
            return not any(title in name for name in self._desktop.titles())

        wait_for(gone, f"{title!r} closing")


@pytest.fixture
def digikam(user: User) -> Iterator[DigiKam]:
    need("digikam", "digikam")
    desktop = Desktop(user)
    one = DigiKam(desktop)
    desktop.start()
    try:
        yield one
    finally:
        one.stop()
        print((user.home / "digikam.log").read_text(errors="replace"))
        desktop.stop()


def test_digikam(user: User, digikam: DigiKam) -> None:
    need_exiftool()
    album = user.pictures / "trip"
    cat, horse, moon = write_photos(album, ("cat", "horse", "moon"))
    bench = Bench(user.home / "library")
    bench.write("embedded", ["animal/dog", "sky"], cat)
    bench.write("sidecar", ["animal/horse"], horse)

    digikam.open(user.pictures)
    wait_for(lambda: digikam.tags("horse.jpg"), "the sidecar's words")
    wait_for(lambda: digikam.tags("cat.jpg"), "the picture's words")
    wait_for(lambda: digikam.has_read("moon.jpg"), "the picture without words")
    assert digikam.tags("cat.jpg") == {"csearch/animal/dog", "csearch/sky"}
    assert digikam.tags("horse.jpg") == {"csearch/animal/horse"}
    assert not digikam.tags("moon.jpg")
    digikam.stop()

    digikam.ask("INSERT INTO Tags (id, pid, name) VALUES (900, 0, 'places'), (901, 900, 'seaside')")
    digikam.ask("INSERT INTO ImageTags SELECT id, 901 FROM Images WHERE name = 'moon.jpg'")
    assert digikam.tags("moon.jpg") == {"places/seaside"}
    digikam.select("/trip")
    digikam.start()
    digikam.write_metadata(lambda: b"seaside" in moon.read_bytes())
    wait_for(lambda: b"LastKeywordXMP" in cat.read_bytes(), "its copies of our words")
    digikam.stop()
    user.csearchctl("add", user.pictures)
    user.settle()
    assert user.search("--in", user.pictures, "tag:seaside") == [moon]

    assert bench.undo("embedded", cat) == ["written"], bench.reasons
    assert not [name for name, value in fields(cat).items() if "dog" in str(value)]
    assert os.path.exists(horse)
    bench.close()

    digikam.forget()
    digikam.open(user.pictures)
    wait_for(lambda: digikam.tags("moon.jpg"), "its own words")
    assert not digikam.tags("cat.jpg")
