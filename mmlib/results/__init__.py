"""From runs to verdicts: settings, records, weights, claims, the rules of evidence, and the night that fills the gaps.

`records` writes down what a run measured, `fingerprint` knows whether that still stands, `claims` reads what papers say
and what we ask, `evidence` judges, `tables` shows, `night` runs what is missing. Nothing here can move a number.
"""

from mmlib.files import ROOT
from mmlib.notebooks import check_preset
from mmlib.results.claims import Paper, load_claims, paper_keys, settings
from mmlib.results.evidence import Interval, Verdict, judge, judge_book, paired_interval, t_interval
from mmlib.results.fingerprint import state
from mmlib.results.records import (
    Key,
    Record,
    checkpoint_folder,
    doubled,
    find_record,
    load_record,
    read_records,
    shared_stage,
    split_variant,
    training_block,
    write_record,
)
from mmlib.results.tables import frame, results_table
from mmlib.results.weights import load_weights, save_weights

__all__ = [
    "Interval",
    "Key",
    "Paper",
    "ROOT",
    "Record",
    "Verdict",
    "check_preset",
    "checkpoint_folder",
    "doubled",
    "find_record",
    "frame",
    "judge",
    "judge_book",
    "load_claims",
    "load_record",
    "load_weights",
    "paired_interval",
    "paper_keys",
    "read_records",
    "results_table",
    "save_weights",
    "settings",
    "shared_stage",
    "split_variant",
    "state",
    "t_interval",
    "training_block",
    "write_record",
]
