"""Change data capture: what one side writes to its database, carried to the other side.

`config` says which tables are copied from where; it is pure. Of `strangler` this package uses
only `strangler.kit`.
"""
