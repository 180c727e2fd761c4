.PHONY: help demo check test contract chaos bench ci format lint types imports security docs worker
.DEFAULT_GOAL := help
PY := .venv/bin/python

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
demo: ## Start everything on this machine and print the address
	python3 manage.py demo
check: ## Run the main job from end to end and exit
	python3 manage.py demo --check
test: ## Every test that needs no more than Python
	python3 manage.py test
contract: ## Try on a running server all that the API's schema says
	$(PY) .ci/contract.py
chaos: ## Kill everything under load, and count what was lost
	python3 manage.py chaos
bench: ## Measure this machine beside the other queues, in ten minutes
	python3 benchmarks/run.py --quick
ci: ## All that a change must pass
	bash .ci/run
format: ## Format and mend what can be mended
	$(PY) -m ruff format . && $(PY) -m ruff check --fix .
lint: ## Look for mistakes
	$(PY) -m ruff format --check . && $(PY) -m ruff check .
types: ## Check types
	$(PY) -m mypy
imports: ## Check who imports whom
	.venv/bin/lint-imports
security: ## Look for what opens doors: bandit, and our rules for semgrep
	bash .ci/security
docs: ## Make the reference pages that come from the code
	$(PY) -m project.env > docs/reference/settings.md
	DJANGO_SETTINGS_MODULE=project.settings.test $(PY) -m queues.watch.table > docs/reference/metrics.md
	$(PY) -m queues.watch.alert_page > docs/reference/alerts.md
	$(PY) -m billing.interchange.described > docs/reference/billing-files.md
