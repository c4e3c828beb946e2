"""A ruler that tells two commits apart: `make bench AGAINST=COMMIT`.

`python -m bench.against COMMIT` compares this working tree with COMMIT. Both are installed in the
same way, with the same versions of everything else, and measured in turn within each round by
the harness of the working tree. Of each round counts the ratio of its two costs.
"""
