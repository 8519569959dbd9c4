"""Ships files under the names of modules that the worker imports."""
# on top of: honest
# must: N
# file: torch.py
raise RuntimeError("a torch of my own")
# file: torchvision.py
raise RuntimeError("a torchvision of my own")
# file: numpy.py
raise RuntimeError("a numpy of my own")
# file: json.py
raise RuntimeError("a json of my own")
# file: struct.py
raise RuntimeError("a struct of my own")
# file: inspect.py
raise RuntimeError("an inspect of my own")
# file: ast.py
raise RuntimeError("an ast of my own")
# file: grader.py
raise RuntimeError("a grader of my own")
# file: PIL.py
raise RuntimeError("a PIL of my own")
