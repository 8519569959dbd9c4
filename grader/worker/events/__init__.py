"""The events of a training, and the report that is made of them. Standard library only.

A session tells its supervisor each event as it happens. The supervisor, which never runs student
code, keeps what follows from the events, and its report replaces the session's own. Observing a
training belongs in `observer`, which uses the same history for what it decides meanwhile.
"""
