"""Restart Python with malloc told to keep its memory: page faults otherwise cost half the step and more."""
import os
import sys

KEEP = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "268435456"}


def keep_memory():
    """Call before anything large is imported."""
    if any(k not in os.environ for k in KEEP):
        os.environ.update(KEEP)
        os.execv(sys.executable, [sys.executable] + sys.argv)
