"""CLIP's tokenizer without torch: open_clip's cleaning of texts, then the `tokenizers` library.

open_clip's SimpleTokenizer imports torch, which the service must not. This one gives the same
tokens for every text as `open_clip.SimpleTokenizer` with `clean='lower'`, which is how open_clip
uses CLIP's vocabulary.
"""

from __future__ import annotations

import html

import ftfy
import tokenizers

START = "<start_of_text>"
END = "<end_of_text>"
VOCABULARY_SIZE = 49408


def clean(text: str) -> str:
    """Cleans `text` as open_clip does before splitting: repairs mojibake, unescapes HTML, collapses
    white space and converts to lower case. Lone surrogates (undecodable bytes of a command line)
    become U+FFFD."""
    text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(text.split()).lower()


class Tokenizer:
    """Converts texts to token numbers of CLIP's vocabulary."""

    def __init__(self, path: str, context_length: int) -> None:
        """Reads `tokenizer.json` at `path`, which csearchd.models.export.bpe_vocabulary wrote.

        Raises OSError if it can't be read, ValueError if it isn't a tokenizer.
        """
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
        """The token numbers of `text`, with start and end token, without padding.

        They are at most as many as the context length; a text that is cut ends with the end token.
        """
        tokens = [self._special[START]]
        for word, _ in self._split(clean(text)):
            if word in self._special:  # open_clip accepts special tokens in a text
                tokens.append(self._special[word])
            else:
                tokens.extend(token.id for token in self._model.tokenize(word))
            if len(tokens) >= self._context_length:
                break
        return [*tokens[: self._context_length - 1], self._special[END]]
