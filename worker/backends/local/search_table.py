"""The table that is searched, beside the documents: narrow rows in the order of time, kept up to date by triggers.

A document is twenty times as long as its row here, so reading them all would take that much longer. A row's id is the
document's place in time, in seconds, and a number within that second: the table, and each of its indexes, is in the
order in which pages are. `words` has the same ids; `shown` has what a folded text was written like when it was first
seen; `piles` has how many documents each pile of a facet has. SQLite keeps them in step, whoever writes documents.

This is one migration: once it is released, a change is another one.
"""

# ruff: noqa: S608 -- these statements are made of constants alone

SECOND = 1 << 24
"""Ids within one second."""
YEAR_ONE = 62_135_596_800
"""Seconds from the year 1 to 1970."""

_COLUMNS = (
    *(("local", "nullif({search.local}, '')"), ("camera", "{search.camera}"), ("make", "{search.make}")),
    *(("model", "{search.model}"), ("lens", "{search.lens}"), ("format", "{search.format}")),
    *(("iso", "{exposure.iso}"), ("f", "{exposure.f_number}"), ("exposure", "{exposure.exposure_time}")),
    *(("focal", "{exposure.focal_length}"), ("latitude", "{position.latitude}")),
    *(("longitude", "{position.longitude}"), ("alt", "{position.altitude}"), ("width", "{image.width}")),
    *(("height", "{image.height}"), ("size", "{size}"), ("orientation", "{image.orientation}")),
    *(("rating", "{text.rating}"), ("title", "{search.title}"), ("copyright", "{search.copyright}")),
    *(("keyword", "nullif({search.has.keyword}, 0)"), ("creator", "nullif({search.has.creator}, 0)")),
    *(("bucket", "new.bucket"), ("name", "new.name"), ("generation", "new.generation"), ("status", "new.status")),
    *(("extractor", "new.extractor"), ("uploaded", "{created}"), ("event", "{event_time}")),
    *(("processed", "{processed_at}"), ("truncated", "{truncated}"), ("quarantined", "{quarantined}")),
    *(("code", "{failure.code}"), ("stage", "{failure.stage}"), ("fingerprint", "{failure.fingerprint}")),
    *(("redrives", "{failure.redrives}"), ("recipe", "{recipe}"), ("passes", "{passes}"), ("run", "{run}")),
    ("worker", "{worker}"),
)
"""Each column, and its value: what stands in braces is a path in the document. Most asked for first."""

COLUMN_OF = {
    value.strip("{}"): name
    for name, value in _COLUMNS
    if value.startswith("{") and name not in ("truncated", "quarantined")  # SQLite knows no booleans
} | {"taken.local": "local"}  # of which `search.local` is a copy
"""Paths whose value stands in a column as it is."""


def _value(sql: str) -> str:
    return sql.replace("{", "json_extract(new.fields, '$.").replace("}", "')")


_NAMES = ", ".join(name for name, _ in _COLUMNS)
_VALUES = ", ".join(_value(sql) for _, sql in _COLUMNS)
_MOMENTS = ", ".join(
    f"strftime('%s', substr(json_extract(new.fields, '$.{path}'), 1, 19))"
    for path in ("search.time", "created", "processed_at")
)
_FIRST = f"(coalesce({_MOMENTS}, -{YEAR_ONE}) + {YEAR_ONE}) * {SECOND}"
_NEXT = f"(SELECT max(id) + 1 FROM search WHERE id BETWEEN first AND first + {SECOND - 1})"
_SAME = f"(SELECT id FROM search WHERE id BETWEEN first AND first + {SECOND - 1} AND key = new.key)"
_OLD = f"""SELECT search.id FROM search JOIN (SELECT {_FIRST.replace("new.", "old.")} AS first)
        ON search.id BETWEEN first AND first + {SECOND - 1} WHERE search.key = old.key"""
_WORDS = "INSERT INTO words (rowid, listed) VALUES (last_insert_rowid(), json_extract(new.fields, '$.search.words'))"
_TOKENS = "tokenize = \"ascii tokenchars ':_'\""
"""The list goes in as it is: quotes, commas and brackets stand between words, and no word of ours holds one."""
_FORGET_WORDS = f"""INSERT INTO words (words, rowid, listed)
        SELECT 'delete', id, json_extract(old.fields, '$.search.words') FROM ({_OLD})"""
_CAMERA = _value("trim(coalesce({camera.make}, '') || ' ' || coalesce({camera.model}, ''))")
_SHOWN = {"camera": _CAMERA, "lens": _value("{camera.lens}"), "format": _value("{image.format}")}
_SHOW = tuple(
    f"""INSERT INTO shown SELECT '{name}', {name}, {text} FROM search WHERE id = last_insert_rowid()
        AND {name} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM shown WHERE shown.name = '{name}' AND folded = {name})"""
    for name, text in _SHOWN.items()
)
"""Only what is seen for the first time is looked up in the document again."""

PILES = {
    **{name: name for name in ("camera", "lens", "format", "status", "bucket")},
    "month": "CASE WHEN length(local) >= 7 THEN substr(local, 1, 7) END",
    "iso": "CASE WHEN iso <= 100 THEN '..100' WHEN iso <= 200 THEN '101..200' WHEN iso <= 400 THEN '201..400'"
    " WHEN iso <= 800 THEN '401..800' WHEN iso <= 1600 THEN '801..1600' WHEN iso <= 3200 THEN '1601..3200'"
    " WHEN iso <= 6400 THEN '3201..6400' WHEN iso <= 12800 THEN '6401..12800' WHEN iso > 12800 THEN '12801..' END",
    "position": "CASE WHEN latitude IS NULL THEN 'no' ELSE 'yes' END",
}
"""Which pile of a facet a row belongs to."""
_EACH_PILE = " UNION ALL ".join(f"SELECT '{name}' AS name, {pile} AS pile FROM row" for name, pile in PILES.items())


def _count(id_: str, by: int) -> str:
    """So that the piles of all documents are known without looking at any."""
    each = _EACH_PILE.replace("FROM row", f"FROM search WHERE id = {id_}")
    return f"""INSERT INTO piles (name, pile, count) SELECT name, pile, {by} FROM ({each}) WHERE pile IS NOT NULL
        ON CONFLICT (name, pile) DO UPDATE SET count = count + {by}"""


def _put(place: str) -> str:
    return (
        f"INSERT INTO search (id, key, {_NAMES})"
        f" SELECT coalesce({place}, first), new.key, {_VALUES} FROM (SELECT {_FIRST} AS first)"
    )


def _trigger(event: str, *statements: str) -> str:
    name = event.split(" ", 1)[0].lower()
    return f"CREATE TRIGGER documents_{name} AFTER {event} ON documents BEGIN {'; '.join(statements)}; END"


_COUNT_IN, _COUNT_OUT = _count("last_insert_rowid()", 1), _count(f"({_OLD})", -1)

MIGRATION = (
    f"CREATE TABLE search (id INTEGER PRIMARY KEY, key TEXT NOT NULL, {_NAMES})",
    "CREATE TABLE shown (name TEXT, folded TEXT, text TEXT NOT NULL, PRIMARY KEY (name, folded)) WITHOUT ROWID",
    "CREATE TABLE piles (name TEXT, pile TEXT, count INTEGER NOT NULL, PRIMARY KEY (name, pile)) WITHOUT ROWID",
    "CREATE INDEX search_name ON search (bucket, name)",
    "CREATE INDEX search_fingerprint ON search (fingerprint) WHERE fingerprint IS NOT NULL",
    f"CREATE VIRTUAL TABLE words USING fts5(listed, content = '', detail = 'none', columnsize = 0, {_TOKENS})",
    _trigger("INSERT", _put(_NEXT), _COUNT_IN, *_SHOW, _WORDS),
    _trigger(
        "UPDATE OF fields",
        _FORGET_WORDS,
        _COUNT_OUT,
        f"DELETE FROM search WHERE id = ({_OLD}) AND {_FIRST} <> {_FIRST.replace('new.', 'old.')}",
        _put(f"{_SAME}, {_NEXT}").replace("INSERT", "INSERT OR REPLACE", 1),
        _COUNT_IN,
        *_SHOW,
        _WORDS,
    ),
    _trigger("DELETE", _FORGET_WORDS, _COUNT_OUT, f"DELETE FROM search WHERE id = ({_OLD})"),
    "UPDATE documents SET fields = fields",  # those that are there already
)

TAGGED = (
    """CREATE TABLE tagged (
        slug TEXT NOT NULL,
        what TEXT NOT NULL,        -- values, low or high
        value NOT NULL,            -- a number or a folded text; SQLite sorts numbers before texts
        id INTEGER NOT NULL,       -- as in search
        PRIMARY KEY (slug, what, value, id)) WITHOUT ROWID""",
    "CREATE INDEX tagged_id ON tagged (id)",
    """CREATE TRIGGER search_insert AFTER INSERT ON search BEGIN
        DELETE FROM tagged WHERE id = new.id;
        INSERT OR IGNORE INTO tagged SELECT promoted.key, part.key, part.value, new.id
            FROM documents, json_each(documents.fields, '$.search.fields') AS promoted,
                json_each(promoted.value) AS part
            WHERE documents.key = new.key AND part.key IN ('low', 'high');
        INSERT OR IGNORE INTO tagged SELECT promoted.key, 'values', item.value, new.id
            FROM documents, json_each(documents.fields, '$.search.fields') AS promoted,
                json_each(promoted.value, '$.values') AS item
            WHERE documents.key = new.key; END""",
    "CREATE TRIGGER search_delete AFTER DELETE ON search BEGIN DELETE FROM tagged WHERE id = old.id; END",
    # No document holds a promoted tag before this migration, so none is looked at.
)
"""Promoted tags: another migration. They follow the table, whose rows have the ids."""
