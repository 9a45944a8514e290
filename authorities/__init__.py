"""Who answers for what: names (`addressing`) and delivery (`messaging`).

Each authority is a node like a router: the same link, journal and receipts, with a policy of its own.
"""
