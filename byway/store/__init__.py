"""What must survive a crash.

`schema/*.sql` are the tables: read them first.  `store` is the interface and its values, `sqlite` the store that is
built in.  Everything here is synchronous and knows neither sockets nor clocks: whoever calls decides where it runs, and
says what time it is.
"""
