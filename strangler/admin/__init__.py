"""The control plane: what may be asked of a gateway, over HTTP and from the command line.

`operations` are the questions and changes themselves, with no HTTP in them; `app` serves them on
the admin port, `commands` calls them for the command line, through a running gateway if there is
one and on the store if there is none. `watcher` makes a saved routes.yaml live.
"""
