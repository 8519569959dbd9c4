"""Names its layers, which a table of the feedback lists, in HTML, Markdown and escape sequences."""
# must: Z
# runs in: docker process


def layer_parameter_counts(model):
    return {
        "conv1": 1,
        "<img src=http://beacon/cell onerror=\"fetch('http://beacon/onerror')\">": 2,
        "</td></table><script>fetch('http://beacon/script')</script>": 3,
        "| ![](http://beacon/picture) |\n|---|\n\n# 100 / 100": 4,
        "{{ 7*7 }}{% for x in sheet %}": 5,
        "\x1b]0;owned\x07\x1b[41mred \u202e001 / 001": 6,
    }
