-- When a link last served a subscription, to about a day: one that nobody comes back to is dropped in the end.  The check
-- of a row says it too, unless it is 0.

ALTER TABLE subscriptions ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;  -- Unix milliseconds
