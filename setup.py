"""What pyproject.toml cannot say for good yet: the part that is compiled.

Optional: where there is no C compiler, installing goes on without it, and the relay runs the same
loops in Python. See docs/adr/0029-two-loops-are-compiled.md.
"""

from setuptools import Extension, setup

setup(ext_modules=[Extension("cdc.loops.compiled", ["cdc/loops/compiled.pyx"], optional=True)])
