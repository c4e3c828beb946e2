"""What pyproject.toml cannot say for good yet: the part that is compiled.

Optional: where there is no C compiler, or Python's headers are missing, installing goes on without
it, and the relay runs the same loops in Python. See docs/adr/0029-two-loops-are-compiled.md.
"""

import hashlib
from itertools import chain
from pathlib import Path

from setuptools import Extension, setup

HERE = Path(__file__).parent
LOOPS = Path("cdc", "loops")
SOURCE = LOOPS / "compiled.pyx"

# What an earlier build has left would be taken for this one's where this one fails, or where the
# files' times mislead it.
for left in chain(
    (HERE / LOOPS).glob("compiled.c"),
    (HERE / LOOPS).glob("compiled.*.so"),
    HERE.glob(f"build/lib*/{LOOPS}/compiled.*"),
):
    left.unlink()

# For a test that what is imported was made of the source that is there.
digest = hashlib.sha256((HERE / SOURCE).read_bytes()).hexdigest()

setup(
    ext_modules=[
        Extension(
            "cdc.loops.compiled",
            [str(SOURCE)],
            define_macros=[("LOOPS_SOURCE", f'"{digest}"')],
            optional=True,
        )
    ]
)
