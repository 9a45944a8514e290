-- What is to be sent may wait until it is known where it goes: in `casts` and `subscriptions` an empty node is not known
-- yet.  A subscription whose router its owner has not named goes where the settings and the records say.
ALTER TABLE subscriptions ADD COLUMN named INTEGER NOT NULL DEFAULT 1 CHECK (named IN (0, 1));

-- Offers that were made, and what became of each; a later offer to the same cast takes the place of the one before as
-- soon as the authority has signed for it.
CREATE TABLE new_answers (
    id        BLOB NOT NULL PRIMARY KEY REFERENCES names (id), -- of the offer
    cast_id   BLOB NOT NULL REFERENCES inbox (id),
    statement BLOB NOT NULL, -- the offer
    sealed_id BLOB NOT NULL UNIQUE CHECK (length(sealed_id) = 32), -- what carries it; its bytes are in the outbox
    node      TEXT NOT NULL, -- the authority that it goes to
    receipt   BLOB, -- of that authority, as evidence
    serial    INTEGER NOT NULL CHECK (serial >= 1),
    rule      TEXT NOT NULL DEFAULT '', -- the standing rule that made it; empty for the owner's hand
    made_at   INTEGER NOT NULL,
    expires   INTEGER NOT NULL,
    state     TEXT NOT NULL DEFAULT 'sending'
        CHECK (state IN ('sending', 'stored', 'replaced', 'accepted', 'declined', 'refused', 'expired')),
    reason    TEXT NOT NULL DEFAULT '', -- of a decline, or the code of a refusal
    UNIQUE (cast_id, serial)
) STRICT;

INSERT INTO new_answers
SELECT answers.id, cast_id, answers.statement, sealed_id, outbox.node, outbox.receipt, serial, rule, made_at,
    answers.expires, answers.state, reason
FROM answers JOIN outbox ON outbox.id = answers.sealed_id;

UPDATE new_answers SET state = 'replaced' WHERE state = 'stored' AND EXISTS (
    SELECT 1 FROM new_answers AS later
    WHERE later.cast_id = new_answers.cast_id AND later.serial > new_answers.serial AND later.receipt IS NOT NULL
);

DROP TABLE answers;
ALTER TABLE new_answers RENAME TO answers;
CREATE INDEX answers_by_rule ON answers (rule, made_at); -- how many a rule has made today

-- What grows, and what bounds it.  `events`: the newest 10,000.  `outbox`: what was stored goes when its statement has
-- expired and nobody can be held to its receipt, what was refused or has expired goes at once.  `inbox`, `answers` and
-- `offers`: 90 days after they have expired, unless there is an agreement.  `casts` and `agreements` are their owner's
-- history and evidence, made by hand; `names` are never given twice, and so never taken back: some 60 bytes each.
