-- The vault: what one person asked, was offered and agreed to, and, where she sells, what came in and was answered.
-- Read this first.  Times are Unix milliseconds.  A statement is kept as the exact bytes that were signed.
-- A node is written as people write it: urn:byway:node:KEY@HOST:PORT.  No table holds a secret key.

-- What people call a statement: C-XXXX for a cast, O-XXXX for an offer.  A name is never given twice.
CREATE TABLE names (
    name TEXT PRIMARY KEY,
    id   BLOB NOT NULL UNIQUE CHECK (length(id) = 32)
) STRICT, WITHOUT ROWID;

-- Casts of this person.
CREATE TABLE casts (
    id               BLOB NOT NULL PRIMARY KEY REFERENCES names (id),
    salt             BLOB NOT NULL UNIQUE CHECK (length(salt) = 16), -- leads to the cast's keys, with the master key
    statement        BLOB NOT NULL,
    topic            TEXT NOT NULL,
    sentence         TEXT NOT NULL, -- what she typed; it never leaves this file
    made_at          INTEGER NOT NULL, -- the true time; `created` in the statement is rounded
    expires          INTEGER NOT NULL,
    router           TEXT NOT NULL, -- the node it is published at
    receipt          BLOB, -- the router's promise, as evidence
    authority        TEXT NOT NULL, -- the node that keeps its mailbox
    mailbox          BLOB NOT NULL, -- the mailbox statement
    mailbox_accepted INTEGER NOT NULL DEFAULT 0 CHECK (mailbox_accepted IN (0, 1)),
    state            TEXT NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'accepted', 'closed', 'expired', 'refused')),
    code             TEXT NOT NULL DEFAULT '', -- why it was refused
    CHECK (state <> 'accepted' OR receipt IS NOT NULL)
) STRICT;

-- Offers that came in answer to them.  Of one seller (outer key) to one cast only the highest serial counts; an offer
-- that a higher one took the place of is withdrawn.
CREATE TABLE offers (
    id          BLOB NOT NULL PRIMARY KEY REFERENCES names (id),
    cast_id     BLOB NOT NULL REFERENCES casts (id),
    statement   BLOB NOT NULL, -- the inner one, signed by the seller's lasting key
    outer_key   BLOB NOT NULL CHECK (length(outer_key) = 32),
    serial      INTEGER NOT NULL CHECK (serial >= 1),
    sequence    INTEGER NOT NULL, -- in the mailbox authority's journal
    received_at INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    state       TEXT NOT NULL DEFAULT 'offered'
        CHECK (state IN ('offered', 'accepted', 'declined', 'withdrawn', 'expired')),
    reason      TEXT NOT NULL DEFAULT '', -- why it was declined
    UNIQUE (cast_id, outer_key, serial)
) STRICT;

-- Agreements, on whichever side: two signatures, one in the other.  One offer is agreed to once.
CREATE TABLE agreements (
    id        BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    offer_id  BLOB NOT NULL UNIQUE CHECK (length(offer_id) = 32),
    cast_id   BLOB NOT NULL CHECK (length(cast_id) = 32),
    statement BLOB NOT NULL,
    side      TEXT NOT NULL CHECK (side IN ('person', 'seller')), -- which of the two is the owner of this vault
    made_at   INTEGER NOT NULL
) STRICT;

-- Standing rules: each names the stock list it looks in, and the topics whose casts it answers.
CREATE TABLE rules (
    name       TEXT PRIMARY KEY,
    definition TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- Stock: named lists, each imported as a whole.
CREATE TABLE stock_lists (
    name        TEXT PRIMARY KEY,
    source      TEXT NOT NULL, -- the file it was read from
    imported_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stock_items (
    list_name TEXT NOT NULL REFERENCES stock_lists (name) ON DELETE CASCADE,
    id        TEXT NOT NULL,
    item      BLOB NOT NULL, -- canonical msgpack: name, facets in their wire form, what the price is
    PRIMARY KEY (list_name, id)
) STRICT;

-- Durable wishes at routers, under the lasting key.
CREATE TABLE subscriptions (
    sub        TEXT PRIMARY KEY,
    pattern    TEXT NOT NULL,
    filter     TEXT NOT NULL, -- as people write it; empty for none
    router     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Casts that came through them, each once however often it was delivered.
CREATE TABLE inbox (
    id          BLOB NOT NULL PRIMARY KEY REFERENCES names (id),
    statement   BLOB NOT NULL,
    sub         TEXT NOT NULL, -- the subscription that brought it first
    sequence    INTEGER NOT NULL, -- in that router's journal
    received_at INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    state       TEXT NOT NULL DEFAULT 'new'
        CHECK (state IN ('new', 'answered', 'declined', 'closed', 'expired'))
) STRICT;

-- Offers that were made to them, and what became of each.
CREATE TABLE answers (
    id        BLOB NOT NULL PRIMARY KEY REFERENCES names (id), -- of the offer
    cast_id   BLOB NOT NULL REFERENCES inbox (id),
    statement BLOB NOT NULL, -- the offer
    sealed_id BLOB NOT NULL UNIQUE CHECK (length(sealed_id) = 32), -- what carries it; its bytes are in the outbox
    serial    INTEGER NOT NULL CHECK (serial >= 1),
    rule      TEXT NOT NULL DEFAULT '', -- the standing rule that made it; empty for the owner's hand
    made_at   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    state     TEXT NOT NULL DEFAULT 'sending'
        CHECK (state IN ('sending', 'stored', 'accepted', 'declined', 'refused', 'expired')),
    reason    TEXT NOT NULL DEFAULT '', -- of a decline, or the code of a refusal
    UNIQUE (cast_id, serial)
) STRICT;

CREATE INDEX answers_by_rule ON answers (rule, made_at); -- how many a rule has made today

-- Statements on their way to a node that has to keep them: sealed ones, mailboxes, closes.  A close goes to two nodes.
CREATE TABLE outbox (
    id        BLOB NOT NULL CHECK (length(id) = 32),
    node      TEXT NOT NULL, -- where it goes
    statement BLOB NOT NULL,
    role      TEXT NOT NULL CHECK (role IN ('identity', 'cast', 'outer')), -- the key that the link is opened with,
    subject   BLOB NOT NULL, -- and what it is derived from: nothing, a cast's salt, a cast's id
    expires   INTEGER NOT NULL,
    attempts  INTEGER NOT NULL DEFAULT 0,
    next_try  INTEGER NOT NULL,
    state     TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'stored', 'refused', 'expired')),
    receipt   BLOB, -- of the node that stored it
    code      TEXT NOT NULL DEFAULT '', -- why it was refused
    PRIMARY KEY (id, node)
) STRICT;

CREATE INDEX outbox_due ON outbox (next_try) WHERE state = 'waiting';
CREATE INDEX outbox_keys ON outbox (role, subject);

-- What happened, for whoever follows it: written with the change that it tells of.  The oldest are forgotten.
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
    at     INTEGER NOT NULL,
    event  TEXT NOT NULL,
    about  TEXT NOT NULL -- JSON: short names and words
) STRICT;
