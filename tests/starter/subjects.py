"""What photos show that the starter never saw: queries, and the photos that they are right for.

Confidence is calibrated on one half of these photos with one half of the queries, and measured on
the others (`in_fitting_half`): so nothing was fitted on the photos and words that the figures are
of.

Whether a photo shows what a query says is known from its captions or its class. Captions leave much
unsaid, and a class names one thing; where a photo may well show the thing all the same, it is
UNKNOWN, and counts neither way.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import photos
from captions import Mentions
from numpy.typing import NDArray

from csearchd.scoring.vocabulary import Term, read_vocabulary

RIGHT, WRONG, UNKNOWN = 1, 0, -1

# Sets whose photos show a place, and so may hold all kinds of things that their class doesn't name.
_PLACES = ("houses", "scenes15", "weather")
# Parts of the vocabulary whose things are named where they are to be seen; of a place, fewer are.
_NAMED = ("animal", "food", "vehicle", "music", "technology")
_NAMED_IN_PLACES = ("animal", "food", "music")
CONCRETE = (*_NAMED, "class", "thing", "building", "plant")

_SAME_CAPTION, _OTHER_CAPTION = 0.75, 0.4  # shares of a caption's words in another photo's

# What a class shows beside the words of its name.
_ALSO = {
    "airplane": "aeroplane plane",
    "ant": "insect",
    "bass": "fish",
    "bee": "insect",
    "brontosaurus": "dinosaur",
    "butterfly": "insect",
    "car seen": "car",
    "cattle": "cow",
    "cell phone": "mobile phone",
    "computer keyboard": "keyboard",
    "computer mouse": "mouse",
    "cougar": "puma mountain lion",
    "crayfish": "lobster",
    "cup or mug": "cup mug",
    "dalmatian": "dog",
    "domestic cat": "cat",
    "dragonfly": "insect",
    "electric guitar": "guitar",
    "emu": "bird",
    "euphonium": "tuba",
    "ferry": "ship boat",
    "flamingo": "bird",
    "formula one": "racing car car",
    "french horn": "horn",
    "garbage truck": "truck lorry vehicle",
    "garfield": "cartoon",
    "goldfish": "fish",
    "golfcart": "golf cart",
    "grand piano": "piano",
    "hamburger": "burger",
    "hawksbill": "sea turtle turtle",
    "head cabbage": "cabbage",
    "helicopter": "aircraft",
    "hotdog": "hot dog",
    "ibis": "bird",
    "ketch": "sailing boat ship sailboat",
    "koala": "bear",
    "ladybug": "ladybird insect",
    "laptop": "laptop computer",
    "mayfly": "insect",
    "motorbike": "motorcycle",
    "panda": "bear",
    "pigeon": "bird",
    "ray": "fish",
    "refrigerator": "fridge",
    "rhino": "rhinoceros",
    "rooster": "chicken bird",
    "schooner": "sailing boat ship sailboat",
    "sea horse": "seahorse",
    "soccer": "football",
    "sofa": "couch",
    "springer": "dog spaniel",
    "stegosaurus": "dinosaur",
    "stove": "cooker",
    "swine": "pig",
    "tench": "fish",
    "tick": "insect",
    "tv or monitor": "television monitor screen",
    "washer": "washing machine",
    "watercraft": "boat ship",
    "wild cat": "cat",
    "windsor chair": "chair",
}
_FOREIGN = (
    "собака кошка дом машина велосипед hund katze pferd fahrrad strand wald kind schmetterling "
    "perro gato caballo bicicleta chien cheval voiture maison arbre samochód pies dziecko hus "
    "træ koira kissa talo kuş köpek ağaç ulica zámek vlak 犬 猫 自転車 كلب"
)  # fmt: skip
_FILLERS = (
    "a an the this that other one some two three four several there of in on at to with by for "
    "from into through up down out over near next and while as is are be has have wearing it he "
    "she they who his her its their them him whom another each front back behind around onto off"
)
_ENDINGS = ("ing", "es", "ed", "s")


class Query(NamedTuple):
    text: str
    kind: str  # name, phrase, class, pair (of a caption's words), caption, nonsense or foreign
    word: str  # by which it belongs to a half; of captions the photo's name
    category: str = ""  # of the vocabulary


class Subjects(NamedTuple):
    """`sources` are the names of the photos' sets; `truth`, int8 (photos, queries), is RIGHT, WRONG
    or UNKNOWN."""

    photos: list[photos.Photo]
    sources: NDArray[np.str_]
    queries: list[Query]
    truth: NDArray[np.int8]

    def fitting_photos(self) -> NDArray[np.bool_]:
        """Which photos are of the fitting half, (photos,)."""
        return np.array([in_fitting_half(photo.path.name) for photo in self.photos])

    def fitting_queries(self) -> NDArray[np.bool_]:
        """Which queries are of the fitting half, (queries,)."""
        return np.array([in_fitting_half(query.word.lower().rstrip("s")) for query in self.queries])


def in_fitting_half(name: str) -> bool:
    """A fixed rule, by the name of a photo's file or by a word."""
    return hashlib.sha256(name.encode()).digest()[3] % 2 == 0


def read(data: Path) -> Subjects:
    """Flickr8k's dev photos and the held-out fifth of labelled sets, except ImageNet's samples,
    which the image trunk may have seen."""
    chosen = [("flickr8k", photo) for photo in photos.flickr(data, "dev")]
    for name, every in photos.labelled(data).items():
        if name != "imagenet-samples":
            chosen += [(name, photo) for photo in every if photos.held_out(photo)]
    sources = np.array([name for name, _ in chosen])
    every = [photo for _, photo in chosen]
    captioned = np.array([photo.captioned for photo in every])
    place = np.isin(sources, _PLACES)
    queries: list[Query] = []
    columns: list[NDArray[np.int8]] = []
    for query, column in (
        *_names(every, captioned, place),
        *_classes(every, captioned, place),
        *_captions(every, captioned),
    ):
        queries.append(query)
        columns.append(column)
    for kind, words in (("nonsense", nonsense(1, 120)), ("foreign", _FOREIGN.split())):
        queries += [Query(word, kind, word) for word in words]
        columns += [np.zeros(len(every), np.int8)] * len(words)
    return Subjects(every, sources, queries, np.stack(columns, axis=1))


def _names(
    every: Sequence[photos.Photo], captioned: NDArray[np.bool_], place: NDArray[np.bool_]
) -> Iterable[tuple[Query, NDArray[np.int8]]]:
    """The vocabulary's names, and the first phrase of each."""
    terms = read_vocabulary("")
    texts = [photo.texts if photo.captioned else (_shown(photo.texts[0]),) for photo in every]
    named = Mentions(terms, texts).matrix
    for number, term in enumerate(terms):
        column = named[:, number].astype(np.int8)
        unsaid = np.zeros(len(every), np.bool_)
        if term.path[0] not in _NAMED:
            unsaid = ~captioned
        elif term.path[0] not in _NAMED_IN_PLACES:
            unsaid = place
        column[unsaid & (column == WRONG)] = UNKNOWN
        yield Query(term.path[-1], "name", term.path[-1], term.path[0]), column
        yield Query(term.phrases[0], "phrase", term.path[-1], term.path[0]), column


def _classes(
    every: Sequence[photos.Photo], captioned: NDArray[np.bool_], place: NDArray[np.bool_]
) -> Iterable[tuple[Query, NDArray[np.int8]]]:
    """The classes of labelled sets: other classes than the one asked for don't show it, unless they
    have a word in common or one is a place."""
    own = [None if photo.captioned else photo.texts[0] for photo in every]
    places = {name for name, is_place in zip(own, place, strict=True) if is_place}
    for name in sorted({name for name in own if name is not None}):
        terms = [Term((name,), (name,))]
        named = Mentions(terms, [photo.texts if photo.captioned else () for photo in every])
        column = named.matrix[:, 0].astype(np.int8)
        words = stems(_shown(name))
        for number, other in enumerate(own):
            if other == name:
                column[number] = RIGHT
            elif other is not None and (
                name in places or other in places or words & stems(_shown(other))
            ):
                column[number] = UNKNOWN
        yield Query(name, "class", name, "class"), column


def _captions(
    every: Sequence[photos.Photo], captioned: NDArray[np.bool_]
) -> Iterable[tuple[Query, NDArray[np.int8]]]:
    """One caption of each photo, and two successive words of it."""
    chance = random.Random(5)
    fillers = set(_FILLERS.split())
    said = [stems(" ".join(photo.texts)) for photo in every]
    for number, photo in enumerate(every):
        if not photo.captioned:
            continue
        caption = chance.choice(photo.texts)
        telling = stems(caption)
        words = [w for w in re.findall("[a-z]+", caption.lower()) if w not in fillers and w[2:]]
        if len(telling) < 2 or len(words) < 3:
            continue
        column = np.full(len(every), UNKNOWN, np.int8)
        for other in np.flatnonzero(captioned):
            share = len(telling & said[other]) / len(telling)
            if share >= _SAME_CAPTION or other == number:
                column[other] = RIGHT
            elif share <= _OTHER_CAPTION:
                column[other] = WRONG
        yield Query(caption, "caption", photo.path.name), column
        start = chance.randrange(len(words) - 1)
        pair = " ".join(words[start : start + 2])
        both = stems(pair)
        right = np.array([both <= own for own in said])
        column = np.where(right, RIGHT, np.where(captioned, WRONG, UNKNOWN)).astype(np.int8)
        yield Query(pair, "pair", pair), column


def _shown(name: str) -> str:
    """The name of a class, and other words for what it shows."""
    lower = name.lower()
    also = [words for key, words in _ALSO.items() if re.search(rf"\b{re.escape(key)}\b", lower)]
    return " ".join([lower, *also])


def stems(text: str) -> set[str]:
    """The telling words of a text, without the commonest endings."""
    fillers = set(_FILLERS.split())
    found = set()
    for word in re.findall("[a-z]+", text.lower()):
        if word in fillers or len(word) < 3:
            continue
        fitting = (end for end in _ENDINGS if word.endswith(end) and len(word) >= len(end) + 3)
        stem = word.removesuffix(next(fitting, ""))
        if len(stem) > 3 and stem[-1] == stem[-2]:
            stem = stem[:-1]
        found.add(stem.rstrip("e"))
    return found


def nonsense(seed: int, count: int) -> list[str]:
    """Words that mean nothing: consonants alone, syllables, any letters."""
    chance = random.Random(seed)
    consonants, letters = "bcdfghjklmnpqrstvwxz", "abcdefghijklmnopqrstuvwxyz"

    def word(number: int) -> str:
        if number % 3 == 0:
            return "".join(chance.choices(consonants, k=chance.randint(4, 8)))
        if number % 3 == 1:
            pairs = (chance.choice(consonants) + chance.choice("aeiou") for _ in range(3))
            return "".join(pairs)
        return "".join(chance.choices(letters, k=chance.randint(5, 9)))

    return [word(number) for number in range(count)]
