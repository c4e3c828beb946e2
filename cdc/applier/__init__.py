"""The applier: writes a stream's topics into its target, exactly once in effect.

Kafka may deliver a record twice, a relay may write it twice, and this process may be killed at any
instant. None of that shows in the target, because the place up to which each partition has been
applied lies in the target itself and changes in the same transaction as the rows:

    poll -> sift (drop what is known, decode, map) -> collapse per key -> one transaction:
            epoch lock, positions, rows, held records, markers

`records`, `sift`, `collapse`, `writes` and `truncate` decide and are pure; `targets` speak to one
kind of database each; `applier` is the loop that joins them; `state` is for whoever watches.
"""
