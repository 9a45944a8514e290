"""The load: separate processes, which say when they are ready, begin at a word, and end with one line of results.

`prepared` makes and reads the file of statements that are handed in, `process` starts load processes and reads what
they say, `behave` is what every load process does; the others are such processes.
"""
