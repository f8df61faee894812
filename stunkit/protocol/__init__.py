"""Decisions: values and time in, values out. Nothing here sends, sleeps or draws lots."""
