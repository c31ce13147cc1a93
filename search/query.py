"""What a person types -> a query. Never raises, whatever is typed.

Grammar: words; "exact phrases" (any kind of double quote); -without; -"without this"; field:value for known
fields, Latin or Chinese colon, value quoted or not. Everything else is a word: no wildcards, no brackets, no
operators, so nobody reaches a field or a cost that is not meant for them (STACK: the query parser trap).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

from search import analysis, sounds

MAX_TERMS = 32
MAX_CHARS = 1000

#: Names a person may put before a colon -> facet name; "number" is looked up in the numbers themselves.
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "kind": "kind", "level": "level", "unit": "unit", "year": "year", "state": "state", "number": "number",
        "class": "class", "类型": "kind", "密级": "level", "单位": "unit", "部门": "unit", "年份": "year",
        "状态": "state", "编号": "number", "文号": "number", "类别": "class",
    }
)  # fmt: skip


class Form(Enum):
    """How a needle may sit in a term of the index. Only the outer ends of a word are open."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    INFIX = "infix"
    CHAR = "char"  # one Chinese character, wherever it stands


@dataclass(frozen=True, slots=True)
class Needle:
    """One term to look up."""

    text: str
    form: Form = Form.EXACT

    def matches(self, term: str) -> bool:
        """Is this a term of the index that the needle stands for? The engines' lookups mean exactly this."""
        if self.form is Form.EXACT:
            return term == self.text
        if self.form in (Form.PREFIX, Form.CHAR):
            return term.startswith(self.text)
        if self.form is Form.SUFFIX:
            return term.endswith(self.text)
        return self.text in term


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of the query between blanks or quotes; `text` is folded.

    `exact`: its needles prove that the text occurs, so that a phrase needs no look at the stored text. `letters`: how it may
    be spelled in pinyin, "" if it may not. `slips`: what it is taken for where it is hardly found. `whole`: nothing of it can be
    left out when a query is loosened: half a model number is another model.
    """

    text: str
    needles: tuple[Needle, ...]
    exact: bool = False
    letters: str = ""
    slips: tuple[Word, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. `fields`, `without_fields`: facet name -> folded values, of which one must (not) hold."""

    text: str = ""
    words: tuple[Word, ...] = ()
    phrases: tuple[Word, ...] = ()
    without: tuple[Word, ...] = ()
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    without_fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    typed: bool = False  # something other than blanks was typed
    cut: bool = False  # there were more terms than MAX_TERMS: the rest was left out

    @property
    def empty(self) -> bool:
        """Something was typed, but nothing that can be looked up ("!!!"): the answer is nothing."""
        return self.typed and not (
            self.words or self.phrases or self.without or self.fields or self.without_fields
        )

    @property
    def points(self) -> int:
        """How many needles the words have together."""
        return sum(len(word.needles) for word in self.words)


_QUOTES = str.maketrans("“”„‟″〝〞＂「」『』", '""""""""""""')
_PIECE = re.compile(
    r"""(?P<minus>(?<!\S)[-－])?
        (?:(?P<name>\w{1,20})[:：])?
        (?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))""",
    re.VERBOSE,
)


def parse(text: str, fields: Mapping[str, str] = FIELDS) -> Query:
    """Parse what was typed. `fields`: names that may stand before a colon -> facet names."""
    clean = text[:MAX_CHARS].translate(_QUOTES)
    plan = _Plan()
    for piece in _PIECE.finditer(clean):
        name = piece["name"]
        value = piece["phrase"] if piece["phrase"] is not None else piece["word"]
        facet = fields.get(name.lower()) if name else None
        if facet is not None:
            plan.add_field(facet, value, bool(piece["minus"]))
        elif name and piece["phrase"] is not None:
            plan.add_word(name, bool(piece["minus"]), False)
            plan.add_word(value, bool(piece["minus"]), True)
        elif name:
            plan.add_word(
                piece.group().lstrip("-－") if piece["minus"] else piece.group(), bool(piece["minus"]), False
            )
        else:
            plan.add_word(value, bool(piece["minus"]), piece["phrase"] is not None)
    return plan.query(text)


class _Plan:
    """Collects pieces under the common limit of terms."""

    def __init__(self) -> None:
        self.words: dict[str, Word] = {}
        self.phrases: dict[str, Word] = {}
        self.without: dict[str, Word] = {}
        self.fields: dict[str, set[str]] = {}
        self.without_fields: dict[str, set[str]] = {}
        self.left = MAX_TERMS
        self.cut = False

    def add_word(self, text: str, minus: bool, quoted: bool) -> None:
        target = self.without if minus else self.phrases if quoted else self.words
        folded = analysis.fold(text)
        # Folding may bring blanks that the typed text did not have.
        for part in [folded] if quoted or minus else folded.split():
            needles = needles_of(part)
            if not needles or part in target:
                continue
            if self.left <= 0:
                self.cut = True
                return
            self.cut |= len(needles) > self.left
            kept = needles[: self.left]
            self.left -= len(kept)
            exact = len(kept) == len(needles) and _proves(part)
            letters = "" if quoted or minus else sounds.letters_of(part)
            whole = any(map(str.isdigit, part)) and not any(map(analysis.is_cjk, part))
            target[part] = Word(part, kept, exact, letters, whole=whole)

    def add_field(self, facet: str, value: str, minus: bool) -> None:
        folded = analysis.fold(value)
        if not folded:
            return
        if self.left <= 0:
            self.cut = True
            return
        self.left -= 1
        (self.without_fields if minus else self.fields).setdefault(facet, set()).add(folded)

    def query(self, text: str) -> Query:
        words = tuple(self.words.values())
        if (
            len(words) == 1
            and not self.phrases
            and len(words[0].text) == 1
            and not analysis.is_cjk(words[0].text)
        ):
            # One Latin letter or digit and nothing else: words that begin with it, not half of the index.
            words = (replace(words[0], needles=(Needle(words[0].text, Form.PREFIX),)),)
        return Query(
            text=text,
            words=words,
            phrases=tuple(self.phrases.values()),
            without=tuple(self.without.values()),
            fields={name: frozenset(values) for name, values in self.fields.items()},
            without_fields={name: frozenset(values) for name, values in self.without_fields.items()},
            typed=bool(text.strip()),
            cut=self.cut,
        )


def word_of(folded: str) -> Word:
    """A word that is looked for instead of what was typed, or as a part of it."""
    return Word(folded, needles_of(folded), _proves(folded), sounds.letters_of(folded))


def needles_of(folded: str) -> tuple[Needle, ...]:
    """Terms that every entry with the folded text in it must have (see `analysis` for what is indexed)."""
    needles: dict[Needle, None] = {}
    for start, end, cjk in analysis.runs(folded):
        run = folded[start:end]
        left_open, right_open = start == 0, end == len(folded)
        if cjk and len(run) > 1:
            for at in range(len(run) - 1):
                needles[Needle(run[at : at + 2])] = None
        elif cjk:
            needles[Needle(run, Form.CHAR if left_open and right_open else Form.EXACT)] = None
        else:
            form = {
                (True, True): Form.INFIX, (False, True): Form.PREFIX, (True, False): Form.SUFFIX,
                (False, False): Form.EXACT,
            }[left_open, right_open]  # fmt: skip
            needles[Needle(run, form)] = None
    return tuple(needles)


def _proves(folded: str) -> bool:
    """One Chinese pair, one character or one Latin run is in the text exactly if it is in the index."""
    found = analysis.runs(folded)
    if len(found) != 1 or found[0][:2] != (0, len(folded)):
        return False
    return not found[0][2] or len(folded) <= 2
