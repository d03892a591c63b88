"""Progress on stderr: one line, rewritten on a terminal, every tenth otherwise."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Sequence[Item], label: str) -> Iterator[Item]:
    """Yields `items`, telling how many are done and how many a second."""
    total, started = len(items), time.monotonic()
    every = max(1, total // (100 if sys.stderr.isatty() else 10))
    end = "\r" if sys.stderr.isatty() else "\n"
    for done, item in enumerate(items, start=1):
        yield item
        if done % every == 0 or done == total:
            rate = done / max(time.monotonic() - started, 1e-6)
            print(f"{label}: {done}/{total}, {rate:.0f} a second", end=end, file=sys.stderr, flush=True)
