"""Who reads the log: each in a module of its own."""
