"""The bundled shop on embedded servers, with the gateway in front; and the tour, which judges it.

`play.py` runs either of the two. `stack.py` starts and stops the parts, each a program of its own
(`programs.py` says which) under a launcher that ends it when the demo dies. Everything lives in one
folder (`folder.py`): PostgreSQL's data, the copy of routes.yaml, the gateway's store, the logs. The
tour (`tour/`) sends requests as people would while the real command line moves them.

The demo imports neither the shop nor its services: it starts them, as anybody would.
"""

from strangler.demo.play import Wanted, main

__all__ = ["Wanted", "main"]
