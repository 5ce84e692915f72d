"""The Python worker of redistill: trains LoRA adapters, answers with them, and makes and scores reasoning-gym tasks."""

import os

# Idle threads sleep instead of spinning. Beside another busy process on two cores, spinning made single training
# steps take up to 40 s (2 s asleep, median 1.7 s); it must be set before torch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__version__ = "0.1.0"
