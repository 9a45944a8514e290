"""Decisions without sockets: accept, verify, commit, match, hand on."""
