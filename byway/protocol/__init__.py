"""Values and rules of the byway, pure: no I/O, no clock, no randomness, no logging.

Bytes and the present time go in, values and `byway.errors` come out.  The normative text is
`docs/reference/wire-protocol.md`; modules cite its sections.
"""
