from cdc.loops.plain import Encoder as Encoder
from cdc.loops.plain import row as row
