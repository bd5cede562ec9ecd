"""vLLM as the domain tier: its process, our proxy before it, and the adapters that are loaded while it runs."""
