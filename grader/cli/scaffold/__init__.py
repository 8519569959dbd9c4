"""The files that `grader init` writes: a small homework that works, and workflows for CI.

The templates of the workflows are here, in `ci/`. The homework is `examples/curve`; bundles for
students are written by `grader.export`.
"""
