"""What people ask of the corpus of `bench.corpus`: drawn from documents that the reader may see, always the same.

The documents are among the first `AMONG`, which are in every corpus, so that all sizes are asked the same.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench import corpus
from bench.corpus import PLAIN, READER, Document
from bench.office import CACHE, digest
from search import analysis

AMONG = 5000
#: Kind of question -> how many are asked.
COUNTS = {
    "one word": 120, "2-4 words": 180, "2-4 words apart": 60, "phrase": 120, "one character": 24, "figure": 40,
    "number": 24, "same sound": 40, "nothing": 24, "typing": 96, "initials": 48, "live page": 96,
}  # fmt: skip
#: Answered by `Engine.suggest`, and by both it and `Engine.search`; all others by `Engine.search`.
SUGGESTED, LIVE = frozenset({"typing", "initials"}), frozenset({"live page"})

_RUN = re.compile("[\u4e00-\u9fff]{4,}")
_RARE = "亍兀卮囟嚯佥俅厍匦刂凼冱亳邡邴阽谪劢勐甾圯坭埏塍芈芾茌菪蒺"  # in no word of the corpus


@dataclass(frozen=True, slots=True)
class Question:
    """`text`: as typed; `words`: the folded pieces that must all be there."""

    text: str
    words: tuple[str, ...] = ()


def questions() -> dict[str, list[Question]]:
    """Of every kind as many as `COUNTS` says. Kept in a file, so that no measured process has the corpus in its memory."""
    of = digest(Path(str(file)) for file in (__file__, corpus.__file__))
    path = CACHE / f"questions-{of}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob("questions-*.json"):
            old.unlink()
        made = {kind: [(q.text, q.words) for q in some] for kind, some in _made().items()}
        path.write_text(json.dumps(made, ensure_ascii=False), "utf-8")
    kept: dict[str, list[tuple[str, list[str]]]] = json.loads(path.read_text("utf-8"))
    return {kind: [Question(text, tuple(words)) for text, words in some] for kind, some in kept.items()}


def _made() -> dict[str, list[Question]]:
    chance = random.Random(20260102)
    seen = [d for d in corpus.documents(AMONG) if READER.permits(d.entry) and len(d.entry.text) > 100]
    makers: dict[str, Callable[[random.Random, list[Document]], Question]] = {
        "one word": _one, "2-4 words": _several, "2-4 words apart": _apart, "phrase": _phrase,
        "one character": _character, "figure": _figure, "number": _number, "same sound": _slip,
        "nothing": _nothing, "typing": _typing, "initials": _initials, "live page": _typing,
    }  # fmt: skip
    made: dict[str, list[Question]] = {}
    for name, count in COUNTS.items():
        found: dict[str, Question] = {}
        while len(found) < count:
            question = makers[name](chance, seen)
            if question.text:
                found[question.text] = question
        made[name] = list(found.values())
    return made


def _asked(*words: str) -> Question:
    return Question(" ".join(words), tuple(map(analysis.fold, words)))


def _word(chance: random.Random, document: Document) -> str:
    """As often as it stands in the text; of three one from the title, of five one that every office writes."""
    if chance.random() < 0.2:
        plain = [w for w in PLAIN if len(w) > 1 and w in document.entry.text]
        if plain:
            return chance.choice(plain)
    own = document.title_words if chance.random() < 0.33 else document.words
    return chance.choice([w for w in own or document.words if len(w) > 1] or ["管理"])


def _one(chance: random.Random, seen: list[Document]) -> Question:
    return _asked(_word(chance, chance.choice(seen)))


def _several(chance: random.Random, seen: list[Document]) -> Question:
    document = chance.choice(seen)
    words = dict.fromkeys(_word(chance, document) for _ in range(chance.choice((2, 2, 2, 3, 3, 4))))
    return _asked(*words) if len(words) > 1 else Question("")


def _apart(chance: random.Random, seen: list[Document]) -> Question:
    """Words of different documents, one of them rare: hardly a document has them all."""
    words = dict.fromkeys(_word(chance, chance.choice(seen)) for _ in range(chance.choice((2, 3, 3, 4))))
    rare = chance.choice(seen).words[-1:]
    return _asked(*dict.fromkeys((*words, *rare)))


def _phrase(chance: random.Random, seen: list[Document]) -> Question:
    run = chance.choice(_RUN.findall(chance.choice(seen).entry.text) or ["管理办法"])
    size = min(len(run), chance.randint(4, 8))
    at = chance.randint(0, len(run) - size)
    return Question(f'"{run[at : at + size]}"', (analysis.fold(run[at : at + size]),))


def _character(chance: random.Random, seen: list[Document]) -> Question:
    return _asked(chance.choice(_word(chance, chance.choice(seen))))


def _figure(chance: random.Random, seen: list[Document]) -> Question:
    figures = re.findall(
        r"[A-Z]{2,}-?\d+|GB \d+-\d+|20\d\d年|[A-Z]\w+\d\b|8\d{4}", chance.choice(seen).entry.text
    )
    return Question(chance.choice(figures)) if figures else Question("")


def _number(chance: random.Random, seen: list[Document]) -> Question:
    return Question(chance.choice(seen).entry.number)


def _read(word: str) -> list[str]:
    from pypinyin import lazy_pinyin

    return lazy_pinyin(word)


@cache
def _sounds() -> dict[str, list[str]]:
    """Syllable -> characters in daily use that sound like it."""
    sounds: dict[str, list[str]] = {}
    for high in range(0xB0, 0xD7):
        for low in range(0xA1, 0xFF):
            char = bytes((high, low)).decode("gb2312")
            sounds.setdefault(_read(char)[0], []).append(char)
    return sounds


def _slip(chance: random.Random, seen: list[Document]) -> Question:
    """后勤 typed as 后情."""
    word = chance.choice(chance.choice(seen).words or ["后勤"])
    at = chance.randrange(len(word))
    others = [c for c in _sounds().get(_read(word)[at], ()) if c != word[at]]
    return _asked(word[:at] + chance.choice(others) + word[at + 1 :]) if others else Question("")


def _nothing(chance: random.Random, seen: list[Document]) -> Question:
    return _asked(
        *("".join(chance.choices(_RARE, k=chance.randint(2, 4))) for _ in range(chance.randint(1, 2)))
    )


def _typing(chance: random.Random, seen: list[Document]) -> Question:
    """The first one to six characters of a word and what follows it in a title."""
    document = chance.choice(seen)
    title = document.entry.title
    at = max(0, title.find(chance.choice(document.title_words or [title[:2]])))
    return Question(title[at : at + chance.randint(1, 6)])


def _initials(chance: random.Random, seen: list[Document]) -> Question:
    """Half of them letters of syllables (hqb), half the beginning of the whole spelling (houqin)."""
    read = _read(_typing(chance, seen).text or "后勤")
    return Question("".join(one[0] for one in read) if chance.random() < 0.5 else "".join(read)[:9])
