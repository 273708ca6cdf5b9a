"""Many prompts at once: rows of finished answers, and the pace at which requests may be sent.

House rule: bounded. So many requests run, so many answers wait to be read, and nothing outlives whoever reads them.
"""
