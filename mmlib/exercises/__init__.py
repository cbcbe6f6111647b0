"""Exercises that check themselves: say which property an answer lacks, with a tiny example, never a bare traceback.

``check("ch1.average", average)`` judges an answer, ``hint("ch1.average")`` gives folded hints. The questions asked of
an answer stand in one file per chapter beside this one.
"""

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import Exercise, Verdict, check, exercise, find, hint, in_chapter, judge

__all__ = ["Ask", "Exercise", "Verdict", "check", "exercise", "find", "hint", "in_chapter", "judge"]
