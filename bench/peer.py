"""The peer of our engines: SQLite FTS5 with the same tokens, the same permission and the same answer.

It gets the best where there is a choice: the permitted documents are worked out once when the index is opened, texts lie
apart from what is counted, and the snippet is cut by our own code (its `snippet()` would show tokens).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from bench.corpus import FACETS, READER
from bench.questions import Question
from search import analysis, query, snippets
from search.engine import Entry, Marks

HITS = 10
KINDS = ("one word", "2-4 words", "2-4 words apart", "phrase")  # what both can be asked
_COLUMNS = ", ".join(f'"{name}"' for name in FACETS)
_SCHEMA = f"""
    PRAGMA journal_mode = off;
    PRAGMA synchronous = off;
    CREATE TABLE item (id INTEGER PRIMARY KEY, clearance INTEGER, {_COLUMNS});
    CREATE TABLE label (label TEXT, item INTEGER, PRIMARY KEY (label, item)) WITHOUT ROWID;
    CREATE TABLE body (id INTEGER PRIMARY KEY, title TEXT, text TEXT);
    CREATE VIRTUAL TABLE words USING fts5 (tokens, content = '', tokenize = 'unicode61 remove_diacritics 0');
"""
_BATCH = 1000


def tokens(entry: Entry) -> str:
    """The terms that our engines index of an entry, in order of place, with blanks between."""
    parts = (entry.title, entry.number, *entry.names, entry.text)
    folded = "\0".join(map(analysis.fold, parts))
    terms: list[str] = []
    for start, end, cjk in analysis.runs(folded):
        run = folded[start:end]
        if cjk and len(run) > 1:
            terms += (run[0], *(run[at : at + 2] for at in range(len(run) - 1)), run[-1])
        else:
            terms.append(run)
    return " ".join(terms)


def build(path: Path, entries: Iterable[Entry]) -> None:
    """Write the index. SystemExit when FTS5 has not taken the tokens as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.executescript(_SCHEMA)
    ours: set[str] = set()
    left = iter(entries)
    while batch := list(islice(left, _BATCH)):
        spelled = [tokens(entry) for entry in batch]
        for line in spelled:
            ours.update(line.split(" "))
        database.executemany(
            "INSERT INTO words (rowid, tokens) VALUES (?, ?)",
            zip((e.id for e in batch), spelled, strict=True),
        )
        database.executemany(
            f"INSERT INTO item VALUES (?, ?{', ?' * len(FACETS)})",
            ((e.id, e.level, *(e.all_facets()[name][0] for name in FACETS)) for e in batch),
        )
        database.executemany(
            "INSERT INTO label VALUES (?, ?)", ((label, e.id) for e in batch for label in e.labels)
        )
        database.executemany("INSERT INTO body VALUES (?, ?, ?)", ((e.id, e.title, e.text) for e in batch))
    database.execute("INSERT INTO words (words) VALUES ('optimize')")
    database.commit()
    database.execute("CREATE VIRTUAL TABLE temp.term USING fts5vocab (main, words, row)")
    theirs = {term for (term,) in database.execute("SELECT term FROM temp.term")}
    database.close()
    if theirs != ours:
        raise SystemExit(f"FTS5 changed tokens: {sorted(theirs ^ ours)[:10]}")


class Fts5:
    """An opened index. `counting`: with facets; without them the bare hits and their total."""

    def __init__(self, path: Path, *, counting: bool = True) -> None:
        self._counting = counting
        self._db = sqlite3.connect(path)
        self._db.executescript(
            "PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824; PRAGMA temp_store = memory;"
        )
        self._db.execute("CREATE TEMP TABLE permitted (id INTEGER PRIMARY KEY)")
        self._db.execute("CREATE TEMP TABLE found (id INTEGER PRIMARY KEY, score REAL)")
        marks = ", ".join("?" * len(READER.tokens))
        self._db.execute(
            "INSERT INTO permitted SELECT id FROM item WHERE clearance <= ? AND id IN"
            f" (SELECT item FROM label WHERE label IN ({marks})) ORDER BY id",
            (READER.clearance, *READER.tokens),
        )

    def ask(self, kind: str, question: Question) -> int:
        """See `bench.measure.Asker`."""
        if kind == "phrase":
            total = self._answer(" AND ".join(_phrase(word) for word in question.words), question)
        else:
            pieces = dict.fromkeys(piece for word in question.words for piece in _pieces(word))
            total = self._answer(" AND ".join(pieces), question)
            if not total:
                self._answer(" OR ".join(pieces), question)
        return total

    def _answer(self, match: str, question: Question) -> int:
        ask = self._db.execute
        ask("DELETE FROM found")
        ask(
            "INSERT INTO found SELECT words.rowid, bm25(words) FROM words JOIN permitted ON permitted.id = words.rowid"
            " WHERE words MATCH ?",
            (match,),
        )
        total: int = ask("SELECT count(*) FROM found").fetchone()[0]
        if not total:
            return 0
        if self._counting:
            # One pass and counters: eight GROUP BY over the same join take half as long again.
            rows = ask(f"SELECT {_COLUMNS} FROM found JOIN item USING (id)").fetchall()
            for column in zip(*rows, strict=True):
                Counter(column).most_common()
        hits = ask(
            "SELECT title, text FROM body JOIN (SELECT id, score FROM found ORDER BY score LIMIT ?) USING (id)",
            (HITS,),
        )
        marks = Marks(question.words)
        for title, text in hits.fetchall():
            snippets.highlight(title, marks)
            snippets.snippet(text, marks)
        return total

    def close(self) -> None:
        """Let go of the index."""
        self._db.close()


def _pieces(word: str) -> Iterator[str]:
    for needle in query.needles_of(word):
        yield f'"{needle.text}"'


def _phrase(word: str) -> str:
    """Neighbours in the index, as they are in the text: the pairs of one run follow each other."""
    return '"' + " ".join(word[at : at + 2] for at in range(len(word) - 1)) + '"'
