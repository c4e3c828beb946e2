"""The route table as data: what people write, checked whole, never changed in place.

`model` holds the frozen dataclasses, `load` turns YAML text into a `Table` or into every problem
it has, `rules` holds one function for each thing that must hold across the table, `edit` changes
single values in the text and leaves the rest as its author wrote it. Nothing here does I/O.
"""
