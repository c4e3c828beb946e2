"""The data plane and the processes that run it.

A request's way: `downstream` reads it (llhttp, our own checks), `exchange` decides with the live
table (`plan`, compiled from a table version), `pool` gives a connection to an endpoint,
`upstream` reads the answer and hands its bytes to the client. `tunnel` carries upgraded
connections, `hold` keeps writes back while a fence is up, `deadlines` is the one sweep that ends
what takes too long. `server` joins them in one object per worker. There is no task and no timer
per request, and no framework in the way.
"""
