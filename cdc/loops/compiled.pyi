from cdc.loops.plain import Encoder as Encoder
from cdc.loops.plain import row as row

SOURCE: str
"""SHA-256 of the source that this was made of, in hexadecimal digits."""
