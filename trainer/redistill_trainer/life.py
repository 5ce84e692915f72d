"""The worker lives no longer than its parent, and says every few seconds that it lives."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from redistill_trainer.stream import EventStream

HEARTBEAT_SECONDS = 2.0
PARENT_POLL_SECONDS = 0.5
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """On Linux, ask the kernel for SIGKILL when the parent (the thread that started us) ends; elsewhere do nothing."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def resident_bytes() -> int:
    """Bytes of memory that this process holds now (on systems without /proc: the most it ever held)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def start_heartbeat(stream: EventStream, seconds: float = HEARTBEAT_SECONDS) -> None:
    """Start the thread that emits a heartbeat every so many seconds, and ends the process once it has another parent
    than at its start."""
    parent = os.getppid()

    def beat() -> None:
        next_beat = time.monotonic()
        while True:
            if os.getppid() != parent:
                os._exit(1)
            if time.monotonic() >= next_beat:
                stream.emit("heartbeat", rss_bytes=resident_bytes())
                next_beat += seconds
            time.sleep(PARENT_POLL_SECONDS)

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
