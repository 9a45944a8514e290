-- What the vault knows of itself, in one row.
CREATE TABLE vault (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    owner    BLOB CHECK (length(owner) = 32), -- the lasting public key of whoever it belongs to, from the first opening
    noted_at INTEGER -- the node's time when it was last noted: no clock that starts far from it is believed
) STRICT;

INSERT INTO vault (one) VALUES (1);

-- `code` and `reason` say, for programs and in a sentence, why a cast was refused.  `sent` is set before the first of its
-- bytes may leave: what was never sent can be taken back without telling anybody.
ALTER TABLE casts ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE casts ADD COLUMN sent INTEGER NOT NULL DEFAULT 0 CHECK (sent IN (0, 1));

UPDATE casts SET sent = 1 WHERE router <> '';
