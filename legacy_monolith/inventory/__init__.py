"""The app inventory of the shop."""
