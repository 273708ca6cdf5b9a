"""Amazon Bedrock: the Converse API, and Anthropic's bodies inside invoke.

``converse``: frames to events, and the dialect put together.
``invoke``: Anthropic's bodies inside invoke.
``words``: what both have in common.
``converse_request``: what the client sends.
``converse_parse``: what the server reads.
``converse_server``: what the server answers.
``converse_words``: the tables that both halves share.
"""
