"""The relay: from a source's events to Kafka's topics, checkpointed, with snapshots on the way."""
