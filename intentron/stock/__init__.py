"""What a seller has, and how it answers a cast: sheet -> items -> match -> drafts of offers.

    sheet       a CSV file, read through a column map; bad rows are reported and skipped
    item        one thing in stock, described in facets
    matching    whether an item is what a cast asks for: yes, no or unknown, with the reasons
    rule        a standing rule: which items to offer to whom, at which price

Nothing here touches the network, the clock or a database.
"""
