"""The services: a table with one row each, and how a model id becomes an endpoint.

Rows are in ``table`` and ``compatible``, what a row is in ``row``, how its address is filled in in ``address``, and how a call
finds its endpoint in ``resolving``.

House rule: data first. What a service does differently from its dialect is a word in ``quirks``, never a branch in code.
"""

from bourn.providers.resolving import Endpoint, default_model, get, resolve, split_model_id
from bourn.providers.row import Provider
from bourn.providers.secret import Secret
from bourn.providers.table import PROVIDERS

__all__ = ["PROVIDERS", "Endpoint", "Provider", "Secret", "default_model", "get", "resolve", "split_model_id"]
