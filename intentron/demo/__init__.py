"""`make demo`: two markets at work on this computer, with real processes, real sockets and a real crash."""
