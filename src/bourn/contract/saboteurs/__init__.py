"""The saboteurs, a file a section: streams that are broken in exactly one way, to prove that a check can fail.

House rule: a saboteur is the reference stream with one thing changed, or a few lines of its own.
"""
