-- What a node has promised to keep.  Times are Unix milliseconds, keys and ids 32 bytes, integers in blobs big-endian.
-- The blobs of `journal`, `commits` and `leaves` end with four bytes more, a CRC-32: SQLite does not notice a changed
-- bit inside a blob (byway.store.check).
--
-- One commit writes one row to `commits`, one to `leaves` and one per statement to `journal`, all at the end of their
-- tables, in one flushed transaction.  There is no other index: a random one costs more than everything else here
-- together once the table is large.  What is needed to find a statement by id or by address is kept in memory, and is
-- read from `leaves` at start.

-- Facts about the store itself: 'node', the first key of the node that it belongs to, and 'chain', the 16 bytes that
-- name its chain of heads.  A chain that is not the first has two more: 'begins', the first sequence that may be in it,
-- and 'previous', the id of the last head before it, empty if there was none.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The statements, in the order of their commit.  A row is deleted some time after the statement has expired.
CREATE TABLE journal (
    sequence INTEGER PRIMARY KEY,  -- from 1; never used twice
    data     BLOB NOT NULL         -- the exact bytes of the statement
) STRICT;

-- The commits: what the node has signed for.  Never deleted, because a head is evidence.
CREATE TABLE commits (
    first    INTEGER PRIMARY KEY,  -- sequence of its first statement
    count    INTEGER NOT NULL,     -- how many there are
    number   INTEGER NOT NULL,     -- its place in its chain, from 1: the `size` of its head
    head     BLOB NOT NULL,        -- the head without its signature; signed again, it gives the same bytes
    frontier BLOB                  -- what the next head's `tree` grows from; NULL once nobody needs it
) STRICT;

-- What each stretch of the journal holds, as byway.store.leaves packs it: ids, kinds, expiry and addresses of its
-- statements in order.  A commit begins a stretch; the stretches of small commits are joined after a while, so that a
-- start has few to read.  A row is deleted with the last of its statements.
CREATE TABLE leaves (
    first  INTEGER PRIMARY KEY,    -- sequence of its first statement
    count  INTEGER NOT NULL,       -- how many it had at first
    packed BLOB NOT NULL
) STRICT;

-- How far those stretches were swept of which some statements remain.
CREATE TABLE swept (
    first INTEGER PRIMARY KEY,     -- as in `leaves`
    until INTEGER NOT NULL         -- what expires then or earlier is gone
) STRICT;

-- What subscribers asked for.  It outlives their links.
CREATE TABLE subscriptions (
    key             BLOB NOT NULL, -- who may resume it
    sub             TEXT NOT NULL, -- the name that the subscriber gave it
    pattern         TEXT NOT NULL, -- a topic pattern, or a mailbox URN
    filter          BLOB NOT NULL, -- canonical msgpack of the expression, or of nil
    scope           TEXT NOT NULL, -- 'all' or 'own'
    acknowledgement BLOB,          -- the last that the subscriber signed: it releases custody
    PRIMARY KEY (key, sub)
) STRICT, WITHOUT ROWID;

-- Where subscriptions stand.  Apart from `subscriptions` because cursors move all the time, and small rows share pages.
CREATE TABLE cursors (
    key     BLOB NOT NULL,
    sub     TEXT NOT NULL,
    epoch   INTEGER NOT NULL,      -- grows each time the subscription is opened; a move of another epoch is void
    through INTEGER NOT NULL,      -- everything up to this sequence is acked
    also    BLOB NOT NULL,         -- further sequences acked beyond it, 8 bytes each
    PRIMARY KEY (key, sub)
) STRICT, WITHOUT ROWID;
