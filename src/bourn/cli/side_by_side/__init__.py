"""Several answers to one question: read at once, shown in columns while they come, then measured.

House rule: what is drawn depends on the entries alone; nothing here knows how they were asked.
"""
