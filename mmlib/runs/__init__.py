"""Presets, records and fingerprints: how a run is sized, written down and recognised."""

from mmlib.runs.fingerprint import code_files, code_fingerprint
from mmlib.runs.presets import PRESETS, check_preset
from mmlib.runs.records import find_record, load_record, record_path, write_record

__all__ = [
    "PRESETS",
    "check_preset",
    "code_files",
    "code_fingerprint",
    "find_record",
    "load_record",
    "record_path",
    "write_record",
]
