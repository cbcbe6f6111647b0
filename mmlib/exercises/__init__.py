"""Exercises that check themselves: say which property an answer lacks, with a tiny example, never a bare traceback.

`check("ch1.average", average)` asks the questions that stand in one file per chapter beside this one. Where plain
assertions suffice they stand in the exercise's own cell, as the block of `with check("ch5.seeds", seeds_needed):`.
`hint("ch1.average")` gives folded hints.
"""

from mmlib.exercises.asking import Ask
from mmlib.exercises.checking import Exercise, check, exercise, find, hint, in_chapter

__all__ = ["Ask", "Exercise", "check", "exercise", "find", "hint", "in_chapter"]
