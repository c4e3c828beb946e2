"""The story of a migration without a person: played under load, and judged.

`story.py` says what happens in which order. `guide.py` plays it: it starts people (`people.py`,
`shoppers.py`), who read what `reference.py` has compared, moves them with the real command line
(`command.py`), and notes every answer in the ledger (`ledger.py`, pure). `verdict.py` (pure, with
`chance.py`) judges that, and `report.py` shows it.
"""
