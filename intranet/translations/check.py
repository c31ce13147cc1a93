"""Is every text translated? `python -m intranet.translations.check`, with `--update` to write new texts into the catalogue.

The Chinese text in code and templates is the msgid, so there is no Chinese catalogue. The English one must be
complete: nothing missing, nothing fuzzy, nothing left over, every placeholder kept. Reads files, imports no
application code, so it runs before the application does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages import Catalog
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = Path("intranet/translations/en/LC_MESSAGES/messages.po")
KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_ngettext": (1, 2), "lazy_pgettext": ((1, "c"), 2)}
SOURCES: dict[str, list[tuple[str, str]]] = {
    "intranet": [("**.py", "python")],
    "templates": [("**.html", "jinja2"), ("**.txt", "jinja2")],
}
# A template that cannot be read is an error, not a file without texts.
OPTIONS = {pattern: {"silent": "false"} for pattern in ("**.html", "**.txt")}


def extract(root: Path) -> Catalog:
    """Every text under `root` that is marked for translation."""
    found = Catalog(project="intranet", charset="utf-8")
    for folder, methods in SOURCES.items():
        for name, line, text, comments, context in extract_from_dir(
            root / folder,
            methods,
            OPTIONS,
            keywords=KEYWORDS,
            comment_tags=("译注", "NB"),
            strip_comment_tags=False,
        ):
            found.add(text, None, [(f"{folder}/{name}", line)], auto_comments=comments, context=context)
    return found


def load(path: Path) -> Catalog:
    """The catalogue of a language; an empty one where the file is not there yet."""
    if not path.exists():
        return Catalog(
            locale=path.parent.parent.name,
            project="intranet",
            version="",
            charset="utf-8",
            header_comment="# 本目录的译文，由 make translations 维护 / Kept by make translations.",
            fuzzy=False,
        )
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def update(catalogue: Catalog, texts: Catalog) -> Catalog:
    """Take in new texts untranslated and drop those no longer used; guesses are never made."""
    catalogue.update(texts, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.fuzzy = False
    return catalogue


def save(path: Path, catalogue: Catalog) -> None:
    """Write it so that a second run changes not one byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=110, sort_by_file=True, include_lineno=False)


def problems(catalogue: Catalog, texts: Catalog) -> list[str]:
    """What keeps the catalogue from being complete, one line each."""
    # Babel does not compile a catalogue whose header is fuzzy.
    found = ["fuzzy     the catalogue's header"] if catalogue.fuzzy else []
    for text in texts:
        if not text.id:
            continue
        known = catalogue.get(text.id, text.context)
        if known is None or not all(
            known.string if isinstance(known.string, tuple | list) else (known.string,)
        ):
            found.append(f"missing   {_shown(text)}")
        elif known.fuzzy:
            found.append(f"fuzzy     {_shown(text)}")
        else:
            found += [f"wrong     {_shown(text)}: {error}" for error in known.check(catalogue)]
    left = [message for message in catalogue if message.id and texts.get(message.id, message.context) is None]
    found += [f"obsolete  {_shown(message)}" for message in (*left, *catalogue.obsolete.values())]
    return found


def _shown(message: Message) -> str:
    text = message.id if isinstance(message.id, str) else message.id[0]
    where = ", ".join(sorted({name for name, _ in message.locations}))
    return f"{text!r} ({where})" if where else repr(text)


def main(arguments: list[str]) -> int:
    """0 complete, 1 not, 2 usage."""
    if arguments not in ([], ["--update"]):
        print("usage: python -m intranet.translations.check [--update]", file=sys.stderr)
        return 2
    texts, catalogue = extract(ROOT), load(ROOT / ENGLISH)
    if arguments:
        save(ROOT / ENGLISH, update(catalogue, texts))
    found = problems(catalogue, texts)
    for line in found:
        print(line)
    print(f"{len(texts)} texts, {len(found)} to mend", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
