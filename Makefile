# `make help` lists the targets. They need Python 3.11 or newer, and install everything into .venv.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN = .venv/bin
MOVING = tests/test_moving_one_user.py tests/test_moving_sending.py tests/test_ory_import_faults.py
USERS = tests/test_users.py tests/test_deleted_users.py tests/test_groups.py $(wildcard tests/test_sign_in*.py tests/test_sync*.py tests/test_user_*.py)

.DEFAULT_GOAL = help
.PHONY: help demo test test-browser screenshots test-postgresql lint coverage matrix dist messages docs bench bench-load stress chaos mutants compatibility requirements clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/done  ## start a local Ory and a Django site that signs people in with it
	@$(BIN)/python manage.py demo

test: .venv/done  ## run the tests, against the local Ory
	$(BIN)/python -m pytest -n auto --ignore=tests/browser
	$(BIN)/python -m pytest -n auto --ds=tests.uuid_project.settings $(USERS) $(MOVING) tests/test_migrations.py

test-browser: .venv/done  ## run the tests in Chromium (as root it is installed by apt if it is missing)
	@command -v chromium chromium-browser google-chrome >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
	$(BIN)/python -m pytest -q -n auto tests/browser
	ORY_TEST_GATEWAY=1 $(BIN)/python -m pytest -q -n auto -m gateway tests/browser

screenshots: .venv/done  ## photograph every page and state into screenshots/
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

test-postgresql: .venv/stress  ## run the tests of users and sessions on PostgreSQL
	$(BIN)/python -m stress.on_postgresql $(BIN)/python -m pytest -q $(USERS) tests/test_django_session.py tests/test_session_ownership.py \
		tests/test_ory_link.py tests/test_impersonation.py tests/test_admin.py tests/test_admin_support.py tests/test_memory.py tests/test_same_text.py \
		tests/test_account_deletion.py tests/test_sessions_page.py tests/test_security_page.py tests/test_step_up_flow.py \
		$(MOVING) tests/test_ory_import_users.py tests/test_ory_export_users.py tests/test_moving_people.py \
		tests/test_password_migration.py tests/test_identities.py tests/test_invitations.py tests/test_effects.py tests/test_webhooks.py tests/test_blocking_hooks.py
	$(BIN)/python -m stress.on_postgresql $(BIN)/python -m pytest -q --ds=tests.uuid_project.settings $(USERS)

lint: .venv/done  ## check style, types and import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.plain_english

coverage: .venv/done  ## report which lines and branches the tests reach
	$(BIN)/coverage run -m pytest -q --ignore=tests/browser
	$(BIN)/coverage report --skip-covered

matrix: .venv/done  ## run the tests on each supported pair of Python and Django
	PYENV_VERSION="$${PYENV_VERSION-$$(pyenv versions --bare 2>/dev/null | grep -E '^3\.1[1-9]' | paste -sd:)}" $(BIN)/nox $(ARGS)

dist: .venv/done  ## build the package into dist/ and test the wheel
	$(BIN)/nox -s wheel

messages: .venv/done  ## update the translations (ARGS=fr: start a language)
	@$(BIN)/python -m tests.catalogues $(ARGS)

docs: .venv/docs  ## build the documentation into docs/_build
	$(BIN)/python -m sphinx -n -W --keep-going -q docs docs/_build
	@echo "Open docs/_build/index.html"

# These start real servers on loopback and end them; SHORT=1 is a rough answer within minutes. As root they
# install redis-server, postgresql, nginx, haproxy and wrk by apt where those are missing.
bench: .venv/stress  ## measure what a request costs (4 minutes; writes docs/performance.md)
	@$(BIN)/python -m benchmarks $(if $(SHORT),--short,--docs) $(ARGS)

bench-load: .venv/stress  ## measure requests a second through real servers
	@$(BIN)/python -m benchmarks.load $(if $(SHORT),--short) $(ARGS)

stress: .venv/stress  ## cause faults in real servers and check every response
	@$(BIN)/python -m stress $(if $(SHORT),--short) $(ARGS)

chaos: stress

mutants: .venv/stress  ## make small changes to the code and list those that no test notices
	$(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results

compatibility: .venv/done  ## try the newest other packages and servers
	PYENV_VERSION="$${PYENV_VERSION-$$(pyenv versions --bare 2>/dev/null | grep -E '^3\.13' | tail -1)}" \
		$(BIN)/nox -s compatibility -- $(ARGS)

.venv/done: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer, with venv and pip, is needed."; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/stress: stress/requirements.txt .venv/done
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r stress/requirements.txt
	@touch $@

.venv/docs: docs/requirements.txt .venv/done
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r docs/requirements.txt
	@touch $@

requirements:  ## compile the requirements files again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--all-extras --group demo --group test --group browser --group lint pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--all-extras --group demo --group test --group stress -c requirements.txt pyproject.toml -o stress/requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group docs -c requirements.txt pyproject.toml -o docs/requirements.txt

clean:  ## remove everything that make has created
	rm -rf docs/_build .venv .nox .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist mutants
