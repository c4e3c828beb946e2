"""Side-by-side benchmarks of the gateway against real peers.

`python -m bench` starts an upstream, then each proxy in turn on a core of its own, loads it from
the other core and compares CPU time per request, throughput, latency and memory. Peers alternate
within each round (A B C A B C), and every ratio is taken within its round, so that a machine
which slows down for a while slows all of them down.
"""
