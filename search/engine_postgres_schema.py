"""How the tables of an index are made: statements only. `{home}`, `{entry}` … stand for full names of tables, `{n}` for the number of a
generation; see `search.engine_postgres_tables`."""

from __future__ import annotations

#: Raised when rows are made otherwise: generations of another format count as damaged and are made anew.
FORMAT = 3

#: Columns of an entry as COPY wants them. Those in capitals hold words: PostgreSQL may keep no statistics of them, in which
#: they would outlive the entry.
COLUMNS = {
    "id": "int8", "updated": "int8", "print": "int8", "fresh": "int4", "length": "int4", "level": "int8", "aligned": "bool", "wide": "bool",
    "labels": "int4[]", "facets": "bytea", "hot": "bytea", "key": "text", "ftitle": "text", "fnumber": "text",
    "fnames": "text", "kind": "text", "number": "text", "title": "text", "terms": "tsvector", "text": "text",
    "folded": "text",
}  # fmt: skip
#: What is looked at only when an entry is likely to be shown: kept out of the rows, so that many rows can be looked at.
_LONG = ("terms", "text", "folded")
_SHORT = ("labels", "facets", "hot", "key", "ftitle", "fnumber", "fnames", "kind", "number", "title")

SCHEMA = (
    "CREATE SCHEMA IF NOT EXISTS {schema}",
    (
        "CREATE TABLE IF NOT EXISTS {home} (one boolean PRIMARY KEY DEFAULT true CHECK (one), born text NOT NULL,"
        " serial bigint NOT NULL DEFAULT 0, made integer NOT NULL DEFAULT 0)"
    ),
    (
        "CREATE TABLE IF NOT EXISTS {generation} (number integer PRIMARY KEY, role text NOT NULL, format integer NOT NULL,"
        " source text NOT NULL DEFAULT '', count bigint NOT NULL DEFAULT 0, words bigint NOT NULL DEFAULT 0,"
        " dead bigint NOT NULL DEFAULT 0, wide boolean NOT NULL DEFAULT false)"
    ),
    "CREATE TABLE IF NOT EXISTS {journal} (generation integer, id bigint, PRIMARY KEY (generation, id))",
    "CREATE TABLE IF NOT EXISTS {label} (code integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE)",
    (
        "CREATE TABLE IF NOT EXISTS {facet} (code integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,"
        " value text NOT NULL, UNIQUE (name, value))"
    ),
    # Of an index that an older version made: its generations are made anew, its own tables grow.
    "ALTER TABLE {generation} ADD COLUMN IF NOT EXISTS words bigint NOT NULL DEFAULT 0",
    "INSERT INTO {home} (born) VALUES (%s) ON CONFLICT DO NOTHING",
)

TABLES = (
    "CREATE TABLE {entry} ("
    + ", ".join(f"{name} {kind} NOT NULL" for name, kind in COLUMNS.items())
    + ") WITH (toast_tuple_target = 256)",
    "CREATE TABLE {part} (id bigint NOT NULL, terms tsvector NOT NULL)",
    'CREATE TABLE {df} (term text COLLATE "C" NOT NULL, docs bigint NOT NULL)',
    *(f"ALTER TABLE {{entry}} ALTER {name} SET STORAGE MAIN" for name in _SHORT),
    # What is packed has to be unpacked for every entry that is weighed or looked through: space for time.
    "ALTER TABLE {entry} ALTER terms SET STORAGE EXTERNAL, ALTER folded SET STORAGE EXTERNAL",
    *(f"ALTER TABLE {{entry}} ALTER {name} SET STATISTICS 0" for name in (*_SHORT, *_LONG)),
    "ALTER TABLE {part} ALTER terms SET STORAGE EXTERNAL, ALTER terms SET STATISTICS 0",
    "ALTER TABLE {df} ALTER term SET STATISTICS 0",
)

#: Made when the rows are there, which is faster. Without a list of what is still to be put in order, which every search would have
#: to look through.
INDEXES = (
    "CREATE UNIQUE INDEX IF NOT EXISTS entry_{n}_id ON {entry} (id)",
    "CREATE INDEX IF NOT EXISTS entry_{n}_terms ON {entry} USING gin (terms) WITH (fastupdate = off)",
    "CREATE INDEX IF NOT EXISTS entry_{n}_key ON {entry} (key)",
    "CREATE INDEX IF NOT EXISTS entry_{n}_wide ON {entry} (id) WHERE wide",
    "CREATE INDEX IF NOT EXISTS part_{n}_id ON {part} (id)",
    "CREATE INDEX IF NOT EXISTS part_{n}_terms ON {part} USING gin (terms) WITH (fastupdate = off)",
    "CREATE UNIQUE INDEX IF NOT EXISTS df_{n}_term ON {df} (term)",
)

#: Every term of every entry: lexemes without a mark.
TERMS = (
    "(SELECT u.lexeme FROM {entry} e, unnest(e.terms) u"
    " WHERE NOT e.wide AND u.lexeme COLLATE \"C\" >= ' '{among}"
    " UNION ALL SELECT u.lexeme FROM {part} e, unnest(e.terms) u"
    " WHERE u.lexeme COLLATE \"C\" >= ' '{among})"
)

DROP = (
    "DROP TABLE IF EXISTS {entry}, {part}, {df}",
    "DELETE FROM {journal} WHERE generation = {n}",
    "DELETE FROM {generation} WHERE number = {n}",
)
