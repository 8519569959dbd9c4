"""Raises HTML once its functions are defined: it costs nothing, and is told as a hint."""
# on top of: honest
# must: N
# runs in: docker process

NAME = "<img src=http://beacon/class>\x1b]0;owned\x07"
TEXT = (
    "<script>fetch('http://beacon/script')</script> ![](http://beacon/picture) {{ 7*7 }}"
    "\n[9/9] eve: graded, 50 of 50, 1.0 s\x1b[41mred\u202e001 / 001"
)
raise type(NAME, (Exception,), {})(TEXT)
