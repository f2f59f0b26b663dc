"""The options of one csearch command."""

from __future__ import annotations

TOP_MAX = 1 << 31
PREVIEW_MAX = 200  # lines of text
DIGITS = len(str(TOP_MAX))
_TOP, _TOP_OF_FOLDER = 10, 100


class Options:
    """The options by name; `query` holds the words."""

    def __init__(self) -> None:
        self.query: list[str] = []
        self.saved: str | None = None
        self.like: list[str] = []
        self.text: str | None = None
        self.label: str | None = None
        self.blend: float | None = None
        self.lang: str | None = None
        self.directories: list[str] = []
        self.everywhere = False
        self.demo = False
        self.wait = False
        self.top: int | None = None
        self.offset = 0
        self.sort: str | None = None
        self.reverse = False
        self.random = False
        self.group: bool | None = None
        self.min_score: float | None = None
        self.min_confidence: str | None = None
        self.window = False
        self.open = False
        self.preview = False
        self.preview_size: int | None = None  # lines of text
        self.folder = False
        self.grid: str | None = None
        self.why = False
        self.why_image: str | None = None
        self.no_color = False
        self.count = False
        self.zero = False
        self.json = False
        self.format: str | None = None

    @property
    def sorts_all(self) -> bool:
        """Whether an empty query stands for all pictures: there is another order than by score."""
        return self.sort not in (None, "score")

    @property
    def max_results(self) -> int:
        """At most how many results are shown."""
        return self.top or (_TOP_OF_FOLDER if self.folder else _TOP)
