"""How a route table changes over time, decided without I/O.

`versions` says what a table version is and what a store of them must do, `plan` names the
differences between two tables, `rebase` merges a file's edits with what went live meanwhile,
`moves` turns "canary 10 %", "cutover" and "rollback" into the shares of a split.
"""
