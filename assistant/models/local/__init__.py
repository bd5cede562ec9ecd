"""The local engine: a process that serves one GGUF file in OpenAI's protocol on loopback, with a secret key."""

import sys

# `import openvino` would load its model converter, which reports every import to an analytics service.
# The converter is not needed to run models, and openvino carries on without it. Nothing leaves the building.
sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]  # None keeps the module from being imported
