"""Compares the code of a class's submissions pair by pair. It runs nothing and touches no mark.

Submissions become sequences of tokens (`grader.submissions.code_tokens`). copydetect, which
implements the fingerprints of Schleimer, Wilkerson and Aiken's winnowing, finds what two of them
share.
"""

from __future__ import annotations

import io
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from grader.errors import GraderError, UsageError
from grader.reports.similar_code.pairs import MatchedFile, Pair, Side, SimilarCode
from grader.rubric.model import Rubric
from grader.submissions.code_tokens import Code
from grader.submissions.discover import HandIn, hand_in
from grader.submissions.parse_child.start import BeyondLimits
from grader.submissions.prepare import code_of
from grader.text import plain_line

# docs/similar.md has the measurements that these rest on.
THRESHOLD = 0.6   # of either side's own code
RUN = 16   # tokens in a row that count as shared
LEAST = 100   # tokens that a pair must share
COMMON = 10   # submitters that may have the same code, as for Moss's option -m

Tell = Callable[[str, int, int], object]   # what is done, how often so far, of how many


@dataclass(frozen=True)
class ClassCode:
    """The code of a class.

    Attributes:
        codes: The code by the name of the attempt.
        given: The code of starter, handouts and reference.
        left_out: A line for each submission that could not be read, in whole or in part.
    """

    codes: Mapping[str, Code]
    given: tuple[Code, ...]
    left_out: tuple[str, ...]


def read_class(rubric: Rubric, hand_ins: Sequence[HandIn], tell: Tell) -> ClassCode:
    """Read the code of all attempts, and of what students were given or have to write.

    Args:
        rubric: Names the starter, the handouts and the reference.
        hand_ins: All attempts of the class.
        tell: Told how many are read.

    Raises:
        UsageError: copydetect is not installed.
        GraderError: The starter, the handouts or the reference cannot be read.
    """
    _library()
    given = []
    for path in (rubric.starter, rubric.handouts, rubric.reference):
        if path is not None and path.exists():
            try:
                given.append(code_of(hand_in(path)))
            except BeyondLimits as error:
                raise GraderError(f"{path}: {error}") from error
    codes: dict[str, Code] = {}
    left_out: list[str] = []
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        read = pool.map(_read, hand_ins)
        for number, (item, found) in enumerate(zip(hand_ins, read, strict=True), start=1):
            tell("reading", number, len(hand_ins))
            if isinstance(found, str):
                left_out.append(plain_line(f"{item.student}: {found}", 200))
                continue
            codes[item.student] = found
            left_out += [plain_line(f"{item.student}: {name} is too large or takes too long", 200)
                         for name in found.left_out]
    finally:
        pool.shutdown(cancel_futures=True)   # Ctrl-C waits for those that are being read
    return ClassCode(codes, tuple(given), tuple(left_out))


def compare_class(
    read: ClassCode, hand_ins: Sequence[HandIn], threshold: float, common: int, tell: Tell
) -> SimilarCode:
    """Return the pairs of submissions that share at least `threshold` of their own code.

    A student's attempts are not compared with each other, nor with those of anybody who ever was
    in one team with that student. Of two submitters' attempts, the most similar two are listed.

    Args:
        read: The code of the class.
        hand_ins: All attempts of the class, with all members of teams.
        threshold: The share of either side's own code, from 0 to 1.
        common: Code of more submitters than this is left out. In a small class, code of half of
            the submitters is left out, too.
        tell: Told how many pairs are compared.
    """
    items = [item for item in hand_ins if item.student in read.codes]
    submitters = len({item.owners for item in items})
    common = min(common, max(2, (submitters - 1) // 2))
    prints, common_share = _fingerprints(read, items, common)
    partners = _partners(items)
    pairs = [(one, other) for one, other in itertools.combinations(items, 2)
             if not partners[one.student] & set(other.owners)]
    best: dict[tuple[tuple[str, ...], tuple[str, ...]], Pair] = {}
    for number, (one, other) in enumerate(pairs, start=1):
        tell("comparing", number, len(pairs))
        pair = _compared(one, other, prints, read.codes)
        if pair is not None and pair.share >= threshold:
            key = one.owners, other.owners
            if key not in best or _rank(pair) < _rank(best[key]):
                best[key] = pair
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return SimilarCode(at, threshold, common, len(items), common_share, read.left_out,
                       tuple(sorted(best.values(), key=_rank)))


def _library() -> Any:
    """Return copydetect, which brings matplotlib."""
    try:
        import copydetect
    except ImportError as error:
        raise UsageError(
            f"`grader similar` needs copydetect, which cannot be imported ({error}): "
            "`pip install 'copydetect>=0.5'`, or install the grader again"
        ) from None
    return copydetect


def _read(item: HandIn) -> Code | str:
    """Return the code of an attempt, or why there is none."""
    try:
        return code_of(item)
    except (BeyondLimits, GraderError, OSError) as error:
        return f"not read: {error}"


def _partners(items: Iterable[HandIn]) -> dict[str, set[str]]:
    """Return, by attempt, its students and all that ever handed in together with one of them."""
    together: dict[str, set[str]] = defaultdict(set)
    for item in items:
        for owner in item.owners:
            together[owner].update(item.owners)
    return {item.student: set().union(*(together[one] for one in item.owners)) for item in items}


def _fingerprints(
    read: ClassCode, items: Sequence[HandIn], common: int
) -> tuple[dict[str, Any], float]:
    """Return fingerprints of what each attempt has for itself, and the share of common code."""
    import numpy

    given = set().union(*(_fingerprint(code).hashes for code in read.given), ())
    before, counted = 0, Counter[int]()
    by_submitters: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for item in items:
        found = _fingerprint(read.codes[item.student]).hashes - given
        before += len(found)
        by_submitters[item.owners] |= found
    for hashes in by_submitters.values():
        counted.update(hashes)
    shared = {one for one, number in counted.items() if number > common}
    out = numpy.array(sorted(given | shared), dtype=numpy.int64)
    prints = {item.student: _fingerprint(read.codes[item.student], out) for item in items}
    left = sum(len(one.hashes) for one in prints.values())
    return prints, 1 - left / before if before else 0.0


def _fingerprint(code: Code, without: Any = None) -> Any:
    """Return copydetect's fingerprint of all files, without the hashes in `without`.

    Every run of tokens is in it, so the result does not depend on the seed of Python's hashes.
    """
    text = "".join(one.tokens for one in code.files)
    return _library().CodeFingerprint("", RUN, 1, without, filter=False, fp=io.StringIO(text))


def _compared(
    one: HandIn, other: HandIn, prints: Mapping[str, Any], codes: Mapping[str, Code]
) -> Pair | None:
    """Return what two attempts share; None if it is less than `LEAST` tokens."""
    left, right = prints[one.student], prints[other.student]
    if left.hashes.isdisjoint(right.hashes):
        return None
    tokens, shares, slices = _library().compare_files(left, right)
    if tokens < LEAST:
        return None
    sides = [
        Side(item.owners, item.student, min(1.0, float(share)),
             tuple(_matched(codes[item.student], where)))
        for item, share, where in zip((one, other), shares, slices, strict=True)
    ]
    return Pair(int(tokens), *sides)


def _matched(code: Code, slices: Any) -> Iterator[MatchedFile]:
    """Yield the files with matching lines, from stretches of tokens of all files together."""
    begin = 0
    for file in code.files:
        end, stretches = begin + len(file.tokens), []
        for first, last in zip(*slices, strict=True):
            inside = file.lines[max(int(first) - begin, 0) : max(int(last) - begin, 0)]
            if first < end and last > begin and inside:
                stretches.append((inside[0], inside[-1]))
        if stretches:
            yield MatchedFile(file.name, tuple(stretches))
        begin = end


def _rank(pair: Pair) -> tuple[float, int, tuple[str, ...]]:
    """Sort the most similar first."""
    return -pair.share, -pair.tokens, pair.students

