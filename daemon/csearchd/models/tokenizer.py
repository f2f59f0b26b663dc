"""CLIP's tokenizer without torch: the `tokenizers` library behind open_clip's cleaning steps.

open_clip's SimpleTokenizer needs torch to be imported, and the service that stays in memory must
not. The steps, and the result for every text, are those of `open_clip.SimpleTokenizer` with
`clean='lower'`, the only way CLIP's own vocabulary is used there.
"""

from __future__ import annotations

import html

import ftfy
import tokenizers

START = "<start_of_text>"
END = "<end_of_text>"
VOCABULARY_SIZE = 49408


def clean(text: str) -> str:
    """The text as open_clip cleans it before splitting: repaired, unescaped, blanks collapsed,
    in lower case. Lone surrogates (undecodable bytes of a command line) become U+FFFD."""
    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.split()).lower()


class Tokenizer:
    """Texts to token numbers of CLIP's vocabulary.

    `path` is a `tokenizer.json` written by `csearchd.models.export.bpe_vocabulary`. Raises OSError
    if it can't be read, ValueError if it isn't a tokenizer.
    """

    def __init__(self, path: str, context_length: int) -> None:
        with open(path, "rb") as file:
            content = file.read()
        try:
            tokenizer = tokenizers.Tokenizer.from_buffer(content)
        except Exception as error:  # the library raises plain Exceptions
            raise ValueError(f"{path} is not a tokenizer: {error}") from None
        start, end = tokenizer.token_to_id(START), tokenizer.token_to_id(END)
        if start is None or end is None or tokenizer.pre_tokenizer is None:
            raise ValueError(f"{path} is not CLIP's tokenizer")
        self._special = {START: start, END: end}
        self._split = tokenizer.pre_tokenizer.pre_tokenize_str
        self._tokenizer = tokenizer
        self._model = tokenizer.model
        self._context_length = context_length

    def encode(self, text: str) -> list[int]:
        """Token numbers of `text` from start to end token, without padding; at most the context
        length, and a text that is cut still ends with the end token."""
        tokens = [self._special[START]]
        for word, _ in self._split(clean(text)):
            if word in self._special:  # open_clip takes them literally where a word may begin
                tokens.append(self._special[word])
            else:
                tokens.extend(token.id for token in self._model.tokenize(word))
            if len(tokens) >= self._context_length:
                break
        return [*tokens[: self._context_length - 1], self._special[END]]
