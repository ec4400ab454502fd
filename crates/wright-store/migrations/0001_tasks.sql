-- Tasks, what was done for them, and what came out.
-- Times are milliseconds since 1970 in UTC. JSON is text. A path is text where it is UTF-8 and bytes where it is not.

CREATE TABLE tasks (
    id          TEXT    PRIMARY KEY NOT NULL,
    kind        TEXT    NOT NULL,
    repository  ANY     NOT NULL,
    base_commit TEXT    NOT NULL,
    request     TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
) STRICT;

CREATE INDEX tasks_by_age ON tasks (created_at, id);

CREATE TABLE steps (
    task_id     TEXT    NOT NULL REFERENCES tasks (id),
    seq         INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (task_id, seq)
) STRICT;

-- A transcript only ever grows.
CREATE TRIGGER steps_are_not_changed BEFORE UPDATE ON steps
BEGIN
    SELECT RAISE(ABORT, 'a recorded step is never changed');
END;

CREATE TRIGGER steps_are_not_removed BEFORE DELETE ON steps
BEGIN
    SELECT RAISE(ABORT, 'a recorded step is never removed');
END;

CREATE TABLE proposals (
    task_id  TEXT    PRIMARY KEY NOT NULL REFERENCES tasks (id),
    patch    TEXT    NOT NULL,
    diff     TEXT    NOT NULL,
    receipt  TEXT    NOT NULL,
    saved_at INTEGER NOT NULL
) STRICT;
