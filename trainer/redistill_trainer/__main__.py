"""Entry point: `python -m redistill_trainer` reads requests on stdin and writes events on stdout."""

import sys

from redistill_trainer.worker import main

if __name__ == "__main__":
    sys.exit(main())
