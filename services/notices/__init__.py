"""Notices, and questions with their answers (FAQ): what the shop tells its visitors."""
