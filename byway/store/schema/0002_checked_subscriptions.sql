-- What subscribers asked for and where they stand carries a check, too: the blobs of these two tables end with four bytes
-- more, a CRC-32 that is begun with the other fields of the row (byway.store.sqlite.subscriptions).  A cursor that a
-- changed bit has moved ahead would lose what lies between, so a row that is not what was written is dropped at start,
-- and its subscriber gets again everything that has not expired.

UPDATE subscriptions SET
    filter = check_subscription(filter, key, sub, pattern, scope),
    acknowledgement = check_subscription(acknowledgement, key, sub);

UPDATE cursors SET also = check_cursor(also, key, sub, epoch, through);
