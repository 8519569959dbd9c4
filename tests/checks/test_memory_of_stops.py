"""Caching of trainings that were stopped early."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from grader.records import Evidence, Outcome, Question, StopRule
from grader.run.cache.evidence import EvidenceCache
from grader.run.cache.file import open_cache
from grader.run.cache.recall import Recall
from tests.checks.evidence import trained
from tests.factories import submission


def test_a_training_stopped_early_is_cached_for_the_same_rule_only(tmp_path: Path) -> None:
    predict = Question("p", "predict", {"shapes": [[2, 8, 8, 3]]}, "s", 5.0)
    predicted = Evidence(predict, Outcome("answered", "student"), {"classes": 10}, (bytes(80),))
    ada = submission()

    def asked(threshold: float) -> tuple[Question, Question]:
        rule = StopRule(threshold, 4, 0.001)
        train = Question("t", "train", {"look": True}, "s", 9.0, stopping=rule)
        return train, predict

    with open_cache(tmp_path) as opened:
        recall = Recall(EvidenceCache(opened), "ground", run=1)
        for stopped, recalled in (("sure", []), (None, ["p", "t"])):
            usual = trained()
            value = {**usual.value, "stopped": stopped}
            training = dataclasses.replace(usual, question=asked(0.88)[0], value=value)
            recall.remember(ada, asked(0.88), "d", {"t": training, "p": predicted})
            assert sorted(recall.look_up(ada, asked(0.88), "d")) == ["p", "t"]
            assert sorted(recall.look_up(ada, asked(0.9), "d")) == recalled
