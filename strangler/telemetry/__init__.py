"""What the processes tell about themselves: structured events and metrics in text form."""
