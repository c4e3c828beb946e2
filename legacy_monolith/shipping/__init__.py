"""The app shipping of the shop."""
