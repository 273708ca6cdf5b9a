"""Answers as objects and functions as tools: what a type or a signature says of JSON, and what JSON says of it so far.

House rule: pure. The JSON may be cut anywhere; what is not there yet is ``None``, and only the whole text is ever validated.
"""
