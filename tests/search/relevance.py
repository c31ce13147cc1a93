"""Runs the judged queries over the regulations and prints how every engine does beside plain BM25.

`python -m tests.search.relevance [ENGINE …]`; `-v` adds the score of every query.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from search.engine import Access, Engine
from search.engine_postgres import PostgresEngine
from search.engine_whoosh import WhooshEngine
from tests import postgres
from tests.search import measures, regulations
from tests.search.judged import FORMS, Judged, judged
from tests.search.plain_bm25 import PlainBM25
from tests.search.regulations import Article

#: Everybody may read the law; the clearance is the highest, as it is for who sees everything.
READER = Access(4, frozenset({"all"}))
DEPTH = 100
PLAIN = "plain BM25"

#: Keys of articles, best first, for a query.
Search = Callable[[str], list[str]]


@contextmanager
def _whoosh(folder: Path) -> Iterator[Engine]:
    engine = WhooshEngine(folder / "index")
    yield engine
    engine.close()


@contextmanager
def _postgres(_folder: Path) -> Iterator[Engine]:
    with postgres.started() as server:
        engine = PostgresEngine(server.url)
        yield engine
        engine.close()


#: Every engine that is judged: name -> an empty one that keeps what it needs in a folder.
ENGINES: dict[str, Callable[[Path], AbstractContextManager[Engine]]] = {
    "whoosh": _whoosh,
    "postgres": _postgres,
}


def engine_search(engine: Engine, articles: Sequence[Article]) -> Search:
    """Fill an engine with the articles; what it then finds."""
    engine.rebuild(lambda last: [a.entry(n) for n, a in enumerate(articles, 1) if n > last])

    def search(query: str) -> list[str]:
        hits = engine.search(query, READER, limit=DEPTH).hits
        return [articles[hit.id - 1].key for hit in hits]

    return search


def plain_search(articles: Sequence[Article]) -> Search:
    """What plain BM25 finds."""
    index = PlainBM25(article.entry(number) for number, article in enumerate(articles))
    return lambda query: [articles[doc].key for doc in index.search(query, DEPTH)]


@dataclass(frozen=True, slots=True)
class Score:
    """How one query is answered."""

    judged: Judged
    ndcg: float
    recall: float


def score(search: Search) -> list[Score]:
    """Every judged query."""
    scores = []
    for one in judged():
        found = search(one.query)
        scores.append(Score(one, measures.ndcg(found, one.grades), measures.recall(found, one.grades)))
    return scores


def mean(scores: Sequence[Score], form: str = "") -> tuple[float, float]:
    """(nDCG@10, Recall@100), the mean over all queries or over those of one form."""
    chosen = [one for one in scores if form in ("", one.judged.form)]
    return sum(one.ndcg for one in chosen) / len(chosen), sum(one.recall for one in chosen) / len(chosen)


def table(results: dict[str, list[Score]]) -> str:
    """nDCG@10 / Recall@100 of every engine, for all queries and form by form."""
    head = f"{'nDCG@10 / Recall@100':22}" + "".join(f"{name:>18}" for name in results)
    lines = [head]
    for form in ("", *FORMS):
        count = sum(form in ("", one.form) for one in judged())
        line = f"{form or 'all':9}{count:4} queries".ljust(22)
        for scores in results.values():
            line += "{:>10.3f} / {:.3f}".format(*mean(scores, form))
        lines.append(line)
    return "\n".join(lines)


def _each(results: dict[str, list[Score]]) -> str:
    lines = []
    for row in zip(*results.values(), strict=True):
        numbers = "  ".join(f"{one.ndcg:.2f} {one.recall:.2f}" for one in row)
        lines.append(f"{numbers}  {row[0].judged.form:8} {row[0].judged.query}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when the regulations are not at hand."""
    articles = regulations.articles()
    if not articles:
        print(f"no regulations in {regulations.FOLDER}: set INTRANET_TEST_SAMPLES", file=sys.stderr)
        return 1
    results = {PLAIN: score(plain_search(articles))}
    with tempfile.TemporaryDirectory() as folder:
        for name in [one for one in arguments if not one.startswith("-")] or ENGINES:
            (Path(folder) / name).mkdir()
            with ENGINES[name](Path(folder) / name) as engine:
                began = time.process_time()
                search = engine_search(engine, articles)
                middle = time.process_time()
                results[name] = score(search)
                took = time.process_time() - middle
            print(
                f"{name}: {len(articles)} articles in {middle - began:.1f} s of CPU, all queries in {took:.1f} s"
            )
    if "-v" in arguments:
        print(_each(results))
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
