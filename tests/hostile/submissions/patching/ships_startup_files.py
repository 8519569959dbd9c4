"""Ships files that Python and pytest run by themselves when they start."""
# on top of: honest
# must: N
# file: conftest.py
raise SystemExit("conftest.py was run")
# file: sitecustomize.py
raise SystemExit("sitecustomize.py was run")
# file: usercustomize.py
raise SystemExit("usercustomize.py was run")
# file: __main__.py
raise SystemExit("__main__.py was run")
# file: full_marks.pth
import os; os._exit(0)
# file: python311._pth
import site
# file: pytest.ini
[pytest]
addopts = --co
# file: setup.cfg
[tool:pytest]
addopts = --co
