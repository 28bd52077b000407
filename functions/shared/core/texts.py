"""Names folded for search: without case, diacritics, tone placement and Đ.

Folding is for finding, never for deciding that two people are one (domain: only ever "near").
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

_BEYOND_DECOMPOSITION: Final = str.maketrans({"đ": "d", "ð": "d", "ı": "i", "’": "'", "ʼ": "'"})


def folded(text: str) -> str:
    """The text in lower case without marks, inner white space single.

    `Nguyễn Thị Hoà`, `NGUYỄN THỊ HÒA` and `nguyen thi hoa` fold alike; so do U+0110 and
    U+00D0, which data from older systems uses for Đ.
    """
    # Word by word: a city has millions of names and thousands of words.
    return " ".join(filter(None, map(_folded_word, text.split())))


@lru_cache(maxsize=8192)
def _folded_word(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(bare.translate(_BEYOND_DECOMPOSITION).split())
