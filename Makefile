# The two commands of the README, and a few around them. `make help` lists them.

CARGO ?= cargo

.PHONY: help demo test build install bootstrap bootstrap-tests

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: bootstrap ## Build, fetch the models, and fix a failing test in an example
	$(CARGO) build --release --locked -p wright
	@scripts/demo.sh

test: bootstrap-tests ## Run every check of the project, on a real model too
	$(CARGO) run --locked -p wright -- model pull qwen2.5-coder-0.5b
	$(CARGO) xtask ci

build: bootstrap ## Build the release binary
	$(CARGO) build --release --locked -p wright

install: bootstrap ## Install `wright` into cargo's bin folder
	$(CARGO) install --locked --path crates/wright

bootstrap: ## Install or name what the build needs
	@scripts/bootstrap.sh

bootstrap-tests: ## Install or name what the build and the tests need
	@scripts/bootstrap.sh --tests
