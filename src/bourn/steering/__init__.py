"""What a program does with streams as wholes: try again, try another, let several run, join them, share one.

House rule: what is made of streams is a stream again and keeps every promise of one; nothing here has a task of its own.
"""
