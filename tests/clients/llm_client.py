"""llm, with the model that its own file of models names: one answer streamed, one whole. Prints what it understood as JSON."""

import json
import os
import sys
import tempfile
from pathlib import Path

folder = os.environ["LLM_USER_PATH"] = tempfile.mkdtemp()
row = {"model_id": "mocked", "model_name": "mock/all", "api_base": os.environ["OPENAI_BASE_URL"]}
Path(folder, "extra-openai-models.yaml").write_text(json.dumps([row]))

import llm  # noqa: E402 -- it reads the variable when it is imported

model = llm.get_model("mocked")
told = {"text": "".join(model.prompt("hi", stream=True)), "whole": model.prompt("hi", stream=False).text()}
sys.stdout.write(json.dumps(told))
