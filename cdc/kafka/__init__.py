"""Kafka: the sink of the relay, the reader of the applier, and the topics between them.

Nothing outside this package imports the client library. `client` turns the settings of a stream
into the client's, `errors` its errors into ours.
"""
