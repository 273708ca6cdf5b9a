"""One asynchronous iterator for the streaming answer of any LLM, and the means to prove that it is right."""
