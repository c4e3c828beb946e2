"""The app catalog of the shop."""
