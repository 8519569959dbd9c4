"""Grades submissions from end to end.

`pipeline` tells the story on one screen; `setup`, `context` and `reference` prepare what all
submissions share, `jobs` and `schedule` ask workers in turns, `grade_class` and `results_folder`
write results. Folders: `data/` (datasets), `cache/` (answers that need not be asked again),
`provenance/` (where verdicts come from), `explain/`. Judging belongs in `checks/`, points in
`grading/`, running code in `sandbox/`, printing in `cli/`.
"""
