"""Prints and raises what a page, a terminal or a spreadsheet could take for more than text."""
# must: Z
# runs in: docker process

HTML = "</pre></details><script>fetch('http://beacon/script')</script><img src=http://beacon/image>"
MARKDOWN = "![](http://beacon/picture) [100/100](javascript:fetch('http://beacon/link'))"
FENCE = "```\n\n# 100 / 100\n\n<img src=http://beacon/fence>\n\n~~~~"
TEMPLATE = "{{ 7*7 }}{% for x in sheet.sections %}{{ x }}{% endfor %}"
TERMINAL = "\x1b]0;owned\x07\x1b[41;5mred\x1b[2J\x9b2J\x1b]8;;http://beacon/osc\x07link\x1b]8;;\x07"
TURNED = "\u202e001 / 001\u2066 \u200bhidden"
LINES = "\n[9/9] eve: graded, 50 of 50, 1.0 s\r\u2028\u0085=cmd|' /C calc'!A0"
ALL = (HTML, MARKDOWN, FENCE, TEMPLATE, TERMINAL, TURNED, LINES)


def layer_parameter_counts(model):
    for text in ALL:
        print(text)
    name = f"Hm<img src=http://beacon/class>{TEMPLATE}{TERMINAL}"
    raise type(name, (Exception,), {})(" ".join(ALL))  # <script>fetch('http://beacon/line')</script>
