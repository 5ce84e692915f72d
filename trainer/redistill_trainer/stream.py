"""The event stream: one JSON object a line on the real stdout, which nothing else can write to."""

from __future__ import annotations

import json
import math
import os
import sys
import threading
from typing import Any


class EventStream:
    """Writes events on a private copy of fd 1; fd 1 itself becomes stderr, so that library prints corrupt nothing.

    A write fails only when the reader is gone, and then nobody is left to work for: the process ends.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._fd = os.dup(1)
        os.set_inheritable(self._fd, False)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def emit(self, event: str, request_id: Any = None, **fields: Any) -> None:
        """Write one event. NaN and infinity, which JSON does not have, become null."""
        record = {"event": event, **({} if request_id is None else {"id": request_id}), **fields}
        data = (json.dumps(finite(record), ensure_ascii=False, allow_nan=False) + "\n").encode()
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:
                os._exit(1)


def finite(value: Any) -> Any:
    """Copy `value` with non-finite floats replaced by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value
