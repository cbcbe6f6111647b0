"""What papers claim, joined with what we measured, and the verdicts."""

from mmlib.claims.interval import Interval, paired_interval, t_interval
from mmlib.claims.joining import Key, key_of, read_records
from mmlib.claims.judging import Judged, judge
from mmlib.claims.loading import load, names
from mmlib.claims.schema import Cell, Direction, Paper
from mmlib.claims.verdicts import VERDICTS, Verdict, direction_verdict, value_verdict

__all__ = [
    "VERDICTS",
    "Cell",
    "Direction",
    "Interval",
    "Judged",
    "Key",
    "Paper",
    "Verdict",
    "direction_verdict",
    "judge",
    "key_of",
    "load",
    "names",
    "paired_interval",
    "read_records",
    "t_interval",
    "value_verdict",
]
