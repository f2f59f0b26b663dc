"""Texts on which a text tower is compared with the one that it was made from."""

from __future__ import annotations

SUBJECTS = (
    "a dog",
    "two parrots on a branch",
    "my daughter's birthday cake",
    "an old red car",
    "children playing football",
    "a bowl of ramen",
    "the Eiffel Tower",
    "a screenshot of an error message",
    "snowy mountains",
    "a wedding couple",
    "a black cat",
    "people on a crowded street",
    "a hand-written letter",
    "the northern lights",
    "a sailing boat",
)
FRAMES = (
    "{}",
    "a photo of {}",
    "{} at night",
    "{} on the beach in the summer of 2019",
    "A BLURRY PICTURE OF {}!",
    "{} and nobody's looking; they're waiting, it'll rain, we've seen it, I'd say",
    "what does {} look like from above, with a lake in the background and a few clouds?",
    "photograph: {} (35mm, f/1.8, 1/250 s)",
    "   {}\n\tseen   from behind ",
    "{} &amp; friends &lt;3",
    "{} in black and white",
    "close-up of {}",
    "no {}",
    "{} 🐕🌊",
    "a drawing of {}, in the style of a children's book",
    "{} {}",
    "sepia scan of {} from 1927 — found in an attic",
)
ODD = (
    "",
    " ",
    ".",
    "?!",
    "a",
    "1234567890",
    "été à la plage, c'était l'heure dorée",
    "Straßenbahn im Schnee",
    "щенок на пляже",
    "猫が窓辺で寝ている",
    "두 마리 앵무새",
    "كلب على الشاطئ",
    "नाव में एक आदमी",
    "🦜🦜🌿",
    "👩‍👩‍👧‍👦 at the 🏖️",
    "caf\u00e9 cafe\u0301 caf&eacute; caf&amp;eacute;",
    "schÃ¶n",
    "ﬁne ＦＵＬＬ width Ⅳ ½ ²",
    "<start_of_text> a dog <end_of_text> a cat",
    "under_score hyphen-ated path/to/file.jpg #hashtag @name",
    "zero\u200bwidth \ufeffmark \u00a0space",
    "'s 't 're 've 'm 'll 'd",
    "supercalifragilisticexpialidocious" * 4,
    "a very long description of a garden, " * 40,
    "🐶" * 200,
    "x" * 10_000,
)


def comparison_prompts() -> list[str]:
    """About 300 texts: queries in many phrasings, other scripts, emoji, contractions, HTML
    entities, texts that are longer than any context, and the empty text."""
    return [*(frame.replace("{}", subject) for subject in SUBJECTS for frame in FRAMES), *ODD]
