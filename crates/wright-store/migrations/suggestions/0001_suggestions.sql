-- What became of suggestions: counts, times, names of languages and models. Never source text, and no path in clear.
-- Times are milliseconds since 1970 in UTC; an hour is counted in hours since then. Lengths are in characters.

-- Goes into the hash of each repository's path, so that hashes of two machines cannot be compared.
CREATE TABLE salt (
    value BLOB NOT NULL
) STRICT;

INSERT INTO salt VALUES (randomblob(16));

CREATE TABLE suggestions (
    id                BLOB    PRIMARY KEY NOT NULL,
    kind              TEXT    NOT NULL,
    language          TEXT    NOT NULL,
    model             TEXT    NOT NULL,
    repository        BLOB,
    shown_at          INTEGER NOT NULL,
    n_chars           INTEGER NOT NULL,
    n_lines           INTEGER NOT NULL,
    n_tokens          INTEGER NOT NULL,
    latency_ms        INTEGER NOT NULL,
    -- 0 not known, 1 superseded, 2 dismissed, 3 partially accepted, 4 accepted: the strongest that was reported.
    outcome           INTEGER NOT NULL DEFAULT 0,
    shown_for_ms      INTEGER,
    n_chars_accepted  INTEGER NOT NULL DEFAULT 0,
    n_chars_committed INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX suggestions_by_time ON suggestions (shown_at);

-- How much of an accepted suggestion was still there some time later.
CREATE TABLE kept (
    suggestion_id BLOB    NOT NULL REFERENCES suggestions (id) ON DELETE CASCADE,
    after_seconds INTEGER NOT NULL,
    share         REAL    NOT NULL,
    n_chars       INTEGER NOT NULL,
    PRIMARY KEY (suggestion_id, after_seconds)
) STRICT, WITHOUT ROWID;

-- What was written without a suggestion. The repository is empty where it is not known.
CREATE TABLE typed (
    hour            INTEGER NOT NULL,
    language        TEXT    NOT NULL,
    repository      BLOB    NOT NULL,
    n_chars_typed   INTEGER NOT NULL,
    n_chars_pasted  INTEGER NOT NULL,
    n_chars_deleted INTEGER NOT NULL,
    PRIMARY KEY (hour, language, repository)
) STRICT, WITHOUT ROWID;

-- Why nothing was shown.
CREATE TABLE withheld (
    hour     INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    language TEXT    NOT NULL,
    model    TEXT    NOT NULL,
    n_times  INTEGER NOT NULL,
    PRIMARY KEY (hour, reason, language, model)
) STRICT, WITHOUT ROWID;
