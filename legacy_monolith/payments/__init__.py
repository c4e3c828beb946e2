"""The app payments of the shop."""
