"""What every extracted service needs: a database, parameters, pages of results, errors, a server.

Pure: `parameters`, `paging`, `rows`, `timestamps`, `trace`. Everything else does I/O or
is bound to aiohttp. Nothing here knows what a review or a notice is.
"""
