"""Generators that give the same parameter again and again."""
# must: Z
# criteria: parameter-groups

def group_parameters(model):
    first = next(model.parameters())

    def again():
        while True:
            yield first

    return again(), again(), again()
