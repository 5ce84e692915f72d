"""Runs a program on a terminal of its own, and takes the terminal away from it.

usage: terminal.py <file> <command> [argument ...]

Reads the terminal until <file> is there, then closes it as a closed window does, waits for the
program, and prints a line with its exit code and one with what it had said (JSON).
"""

import json
import os
import pty
import select
import sys
import time

trigger, command = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
said = b""
limit = time.monotonic() + 60
while time.monotonic() < limit and not os.path.exists(trigger):
    if select.select([terminal], [], [], 0.01)[0]:
        try:
            said += os.read(terminal, 65536)
        except OSError:
            break
os.close(terminal)
_, status = os.waitpid(pid, 0)
print(os.waitstatus_to_exitcode(status))
print(json.dumps(said.decode("utf8", "replace")))
