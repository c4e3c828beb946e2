"""Kafka: sink, topics, reader, embedded broker. No other package knows its client."""
