-- What a program has handled, so that it handles nothing twice.  Times are Unix milliseconds.
CREATE TABLE handled (
    digest  BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32), -- of the subscription and the statement's id
    expires INTEGER NOT NULL -- with the statement: after that nobody hands it over
) STRICT, WITHOUT ROWID;
