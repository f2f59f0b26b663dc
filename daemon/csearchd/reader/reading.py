"""Reads the words of a picture: a cheap first look, then lines at the resolution that they need."""

from __future__ import annotations

import math
import time
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from csearchd.library.texts.lines import TextLine
from csearchd.reader import networks
from csearchd.reader.codes import codes
from csearchd.reader.components import Points
from csearchd.reader.detection import Detector, boxes, in_reading_order
from csearchd.reader.recognition import Guess, Recogniser, cut, is_upright
from csearchd.reader.scripts import READABLE, script_of

_LOOK_SIDES = (320, 640)  # pixels of the longer side at the first look, and where that is unsure
_LOOK_HEIGHT = 0.75  # of the shorter side: what is higher is a surface, or a page of many lines
_LOOK_BOXES = 50
_LOOK_LIKELIHOOD, _LOOK_PIXELS = 0.5, 10  # of text, and where at least, so that a picture is read
_FLAT = 0.4  # share of pixels that equal their neighbours, above which it is drawn, not a photo
_EDGE, _EDGES = 48, 30  # a difference between neighbours, and how many of it text has at least
_PATCH = 96  # pixels of a patch's side, by which that is found
_MIN_SIDE = 320  # of the longer side, to which smaller pictures are enlarged
_ENLARGED, _MOST_ENLARGED = 1280, 2.0  # the same, by so much at most: letters are small in these
_SIDES = (960, 1920, 3456)  # of the longer side when lines are sought, until they are large enough
_SMALL = 14.0  # pixels of a line's height, below which the next side is tried
_SMALL_SHARE = 0.2  # of the lines that are as small, from which on it is tried
_LINES = 1000  # of a picture
_SECONDS = 120.0  # of processors, after which no more lines of a picture are read
_SAMPLE = 3  # lines by which it is found how they are turned
_READ_WELL = 0.9  # confidence of lines that aren't turned


class Reader:
    """Reads pictures, one at a time."""

    def __init__(
        self,
        threads: int,
        working: Callable[[], object] = lambda: None,
        seconds: float = _SECONDS,
    ) -> None:
        """`threads` compute. `working` is called every few seconds while a picture is read, of
        which no more lines are begun after `seconds` of processors.

        Raises OSError, or what onnxruntime does, where the networks can't be used.
        """
        self._threads = threads
        self._working = working
        self._seconds = seconds
        self._look = Detector(networks.LOOK, threads)
        self._detector: Detector | None = None  # from the first picture with text on
        self._recogniser: Recogniser | None = None

    def read(self, picture: Image.Image) -> list[TextLine]:
        """The lines of text in an sRGB picture, in reading order, then what QR codes say."""
        found = codes(picture)
        lines = [line for line in self._read(picture) if not any(_lies_in(line, c) for c in found)]
        return lines + found

    def _read(self, picture: Image.Image) -> list[TextLine]:
        if not self.has_text(picture):
            return []
        found = self._found(picture, is_flat(picture))
        until = time.process_time() + self._seconds
        upright = [box for box in found if is_upright(box)]
        lying = [box for box in found if not is_upright(box)]
        lines = self._lines(picture, lying, (0, 2), until)
        lines += self._lines(picture, upright, (1, 3), until)
        return believed(lines, picture.size)

    def has_text(self, picture: Image.Image) -> bool:
        """What the first look finds: whether there may be text."""
        if min(picture.size) < 3:
            return False
        if is_flat(picture):
            return True
        longest = _longer_side(picture)
        for side in _LOOK_SIDES:
            factor = min(1.0, side / longest)
            size = round(picture.width * factor), round(picture.height * factor)
            likelihood = self._look.look(picture, size)
            if np.count_nonzero(likelihood > _LOOK_LIKELIHOOD) < _LOOK_PIXELS:
                return False
            thin = (_height(box) for box in boxes(likelihood, size, _LOOK_BOXES))
            if any(height < _LOOK_HEIGHT * min(size) for height in thin):
                return True
        return False

    def _found(self, picture: Image.Image, flat: bool) -> list[Points]:
        """The boxes of lines, sought at growing resolutions until they are large enough.

        On a `flat` picture there may be lines that only the last resolutions show.
        """
        if self._detector is None:
            self._detector = Detector(networks.DETECTION, self._threads)
        longest = _longer_side(picture)
        whole = max(picture.size)
        largest = max(1.0, _MIN_SIDE / whole, min(_MOST_ENLARGED, _ENLARGED / whole))
        found: list[Points] = []
        for side in _SIDES:
            factor = min(side / longest, largest)
            size = round(picture.width * factor), round(picture.height * factor)
            found = boxes(self._detector.look(picture, size), picture.size, _LINES)
            self._working()
            heights = np.array([_height(box) * factor for box in found])
            small = float((heights < _SMALL).mean()) if found else float(flat)
            if factor >= largest:
                break
            if small < _SMALL_SHARE and not (flat and self._reads_badly(picture, found)):
                break
        return found

    def _reads_badly(self, picture: Image.Image, found: Sequence[Points]) -> bool:
        """Whether what was found, of which there is some, isn't lines: those of a screenshot whose
        letters were reduced too far are taken for one, two at a time."""
        sample = found[:: -(-len(found) // _SAMPLE)]
        upright = sum(map(is_upright, sample)) * 2 > len(sample)
        turns = (1, 3) if upright else (0, 2)
        return all(self._mean(picture, sample, turn) < _READ_WELL for turn in turns)

    def _lines(
        self, picture: Image.Image, found: Sequence[Points], turns: tuple[int, int], until: float
    ) -> list[_Line]:
        """Reads lines that lie all alike, in one of two ways: the corners begin at `turns`."""
        if not found:
            return []
        sample = sorted(found, key=_length, reverse=True)[:_SAMPLE]
        turn = turns[0]
        first = self._mean(picture, sample, turn)
        if (first < _READ_WELL or turn) and self._mean(picture, sample, turns[1]) > first:
            turn = turns[1]
        lines = []
        for number in in_reading_order([_as_read(box, turn) for box in found]):
            if time.process_time() > until:
                break
            turned = np.roll(found[number], -turn, axis=0)
            lines.append(_Line(turned, self._guess(picture, turned)))
        return lines

    def _mean(self, picture: Image.Image, sample: Sequence[Points], turn: int) -> float:
        guesses = [self._guess(picture, np.roll(box, -turn, axis=0)) for box in sample]
        return sum(guess.confidence for guess in guesses) / len(guesses)

    def _guess(self, picture: Image.Image, box: Points) -> Guess:
        if self._recogniser is None:
            self._recogniser = Recogniser(networks.RECOGNITION, self._threads)
        self._working()
        return self._recogniser.read(cut(picture, box))


def _as_read(box: Points, turn: int) -> Points:
    """A box as it lies when the picture is turned so that its text, which begins at the corner
    `turn`, is upright."""
    turned = np.roll(box, -turn, axis=0)
    x, y = turned[:, 0], turned[:, 1]
    return np.stack([(x, y), (y, -x), (-x, -y), (-y, x)][turn], axis=1)


def _lies_in(line: TextLine, code: TextLine) -> bool:
    """Whether what was taken for a line is a part of a code."""
    x, y = sum(line.box[::2]) / 4, sum(line.box[1::2]) / 4
    return min(code.box[::2]) <= x <= max(code.box[::2]) and min(code.box[1::2]) <= y <= max(
        code.box[1::2]
    )


class _Line(NamedTuple):
    box: Points  # clockwise from the text's top left
    guess: Guess


# Which guesses are believed. The recogniser guesses at any script, pattern or scribble: letters
# that it doesn't know come out as blanks, or as others that look alike, with less confidence.
_SURE = 0.8
_SURER = 0.93  # where most of the picture's lines are doubtful: it is in an unknown script
_DOUBTFUL_SHARE = 0.5
_BLANK_SHARE = 0.34  # of a line's characters, above which letters are missing


def believed(lines: Sequence[_Line], size: tuple[int, int]) -> list[TextLine]:
    """The lines that are as they stand in a picture of `size`, as far as can be told."""
    weights = [_length(line.box) for line in lines]
    total = sum(weights)
    doubtful = sum(
        weight
        for weight, line in zip(weights, lines, strict=True)
        if line.guess.confidence < _SURE
        or _lacks_letters(line.guess.text)
        or script_of(line.guess.text) not in READABLE
    )
    least = _SURER if doubtful > _DOUBTFUL_SHARE * total else _SURE
    extent = np.array(size, float)
    found = []
    for box, (text, confidence) in lines:
        text = unicodedata.normalize("NFC", " ".join(text.split()))
        script = script_of(text)
        if confidence < least or _lacks_letters(text) or script not in READABLE:
            continue
        corners = tuple(float(number) for number in (box / extent).clip(0, 1).ravel())
        found.append(TextLine(text, corners, min(1.0, confidence), script))
    return found


def _lacks_letters(text: str) -> bool:
    """Whether a line is mostly blanks or signs."""
    solid = sum(character.isalnum() for character in text)
    blanks = sum(character.isspace() for character in text)
    return solid == 0 or blanks > _BLANK_SHARE * len(text) or solid * 3 < len(text) - blanks


def is_flat(picture: Image.Image) -> bool:
    """Whether a picture is drawn by a program rather than taken by a camera, and has something on
    it: most pixels equal their neighbours, but some differ much from them, which isn't so in photos
    that were enlarged. Its text may be too small for the first look."""
    shares = []
    for column in (1, 3, 5):
        for row in (1, 3, 5):
            x = max(0, picture.width * column // 6 - _PATCH // 2)
            y = max(0, picture.height * row // 6 - _PATCH // 2)
            right, bottom = min(x + _PATCH, picture.width), min(y + _PATCH, picture.height)
            pixels: NDArray[np.uint8] = np.asarray(picture.crop((x, y, right, bottom)))
            shares.append(float((pixels[:, 1:] == pixels[:, :-1]).all(axis=2).mean()))
    if float(np.mean(shares)) <= _FLAT:
        return False
    grey = np.asarray(picture.convert("L")).astype(np.int16)
    return int(np.count_nonzero(np.abs(np.diff(grey, axis=1)) > _EDGE)) > _EDGES


def _longer_side(picture: Image.Image) -> float:
    """The longer side; of a strip, such as a screenshot of a whole web page, that of a picture of
    its area that is twice as long as wide, so that its letters aren't smaller than others'."""
    width, height = picture.size
    return min(max(width, height), math.sqrt(2 * width * height))


def _height(box: Points) -> float:
    """The thinner extent of a box."""
    return float(min(np.hypot(*(box[0] - box[3])), np.hypot(*(box[0] - box[1]))))


def _length(box: Points) -> float:
    return float(max(np.hypot(*(box[0] - box[3])), np.hypot(*(box[0] - box[1]))))
