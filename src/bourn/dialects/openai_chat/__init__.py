"""OpenAI chat completions, and the services that speak it.

``decoder``: frames to events, and the dialect put together.
``request``: what the client sends.
``server``: what the server answers.
``words``: the tables that both halves share.
"""
