"""Decisions about one request, on bytes and without I/O: route, upstream, path, header fields."""
