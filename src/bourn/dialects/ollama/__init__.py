"""Ollama's native chat.

``decoder``: frames to events, and the dialect put together.
``request``: what the client sends.
``parse``: what the server reads.
``server``: what the server answers.
``words``: the tables that both halves share.
"""
