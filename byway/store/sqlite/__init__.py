"""The store that is built in: one SQLite file with one connection, flushed before anything is promised.

`store` keeps the promises.  Below it, `opening` makes sure that the file is ours alone, `database` that each write is
flushed and the first I/O error the last; `journal` and `subscriptions` are the SQL over the tables in `../schema`.
"""
