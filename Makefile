# Everything goes through the virtual environment made from the lock file; nothing else is needed.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
TSQL := $(VENV)/tsql
RELADIFF := $(VENV)/reladiff
DEFECT ?=
ARGS ?=
ROUNDS ?= 30
ROWS ?=
RUNBOOK ?= integration
RENFORT ?= renfort-technique-essai
EXECUTION ?=
export PYTHONDONTWRITEBYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup campaign drills rehearsal test test-platform test-defects test-drills test-prefect test-openssh test-odbc test-browser test-systemd test-redmine screenshots test-tsql test-sqlserver lint bench bench-hd bench-compare sandbox-up sandbox-down sandbox-status up down clean

help: ## afficher cette aide
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(READY) ## créer l'environnement virtuel à partir du fichier de verrouillage

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 ou plus récent est nécessaire (make PYTHON=python3.12 …).")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installation des paquets verrouillés…"
	@# The lock is complete: nothing is to be resolved (some pip cannot, with hashes and extras).
	@$(PY) -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	@$(PY) -m pip check > /dev/null
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

campaign: $(READY) ## campagne complète sur la plateforme embarquée (DEFECT=nom pour la dégrader, ARGS=… pour choisir)
	@$(PY) -m nonreg.sandbox run $(if $(DEFECT),--defect $(DEFECT)) -- $(PY) -m nonreg campaign --platform {platform} $(ARGS)

drills: $(READY) ## exercices HD autorisés par le titulaire d'essai, sur la plateforme embarquée (ARGS="--select 'HD-02*'" pour choisir)
	@$(PY) -m nonreg.sandbox run $(if $(DEFECT),--defect $(DEFECT)) -- sh -c \
	  '$(PY) -m nonreg plan --platform {platform} $(ARGS) --key $$(dirname {platform})/identites/titulaire-essai --yes \
	  && $(PY) -m nonreg campaign --platform {platform} $(ARGS) --drills $$(ls -t runs/decisions/*.signed.json | head -n 1)'

# By the renfort's own platform file: his accounts are opened and closed by the answers themselves.
rehearsal: $(READY) ## jouer un runbook sur la plateforme embarquée, réponses écrites ou demandées ici (RUNBOOK=integration ; EXECUTION=fin pour la reprendre)
	@$(PY) -m nonreg.sandbox run -- sh -c 'exec $(PY) -m nonreg runbook \
	  $(if $(EXECUTION),resume $(EXECUTION),open $(RUNBOOK) --rehearsal --subject $(RENFORT) --person titulaire-essai) \
	  $(if $(wildcard flows/rehearsals/$(RUNBOOK).toml),--answers flows/rehearsals/$(RUNBOOK).toml,--ask) \
	  --platform "$$(dirname "$$0")/renforts/$(RENFORT).toml" $(ARGS)' {platform}

test: $(READY) lint ## contrôles statiques et tests
	@# Modules that share a damaged platform stay on one worker.
	@$(PY) -m pytest -n 2 --dist loadgroup --junitxml=build/junit-tests.xml $(ARGS)

test-platform: $(READY) ## plateformes embarquées démarrées, basculées, abîmées, tuées (environ 4 min)
	@$(PY) -m pytest -n 2 --dist loadgroup -m platform tests --junitxml=build/junit-platform.xml $(ARGS)

test-defects: $(READY) ## chaque défaut connu contre une famille entière, et son diagnostic (environ 6 min)
	@WHOLE_FAMILIES=1 $(PY) -m pytest -n 2 --dist loadgroup tests/test_campaign.py tests/test_triage_defects.py $(ARGS)

test-drills: $(READY) ## exercices HD : tués à tout instant, plateforme qui ment, étapes humaines (DRILL_SEEDS=n, environ 15 min)
	@$(PY) -m pytest -n 2 --dist loadgroup -m drills tests $(ARGS)

test-prefect: $(READY) ## Prefect : campagnes entières, tuées aussi ; un serveur, ses travailleurs, chaque déploiement (environ 15 min)
	@$(PY) -m pytest -n 2 --dist loadfile -m prefect tests $(ARGS)

test-openssh: $(READY) ## signatures et accès : échanges avec les vrais ssh-keygen, ssh-agent et sshd
	@$(PY) -m pytest -m openssh tests/openssh $(ARGS)

test-odbc: $(READY) ## pyodbc pour de vrai : psqlODBC, et le pilote de Microsoft (demande libodbc2 et odbc-postgresql)
	@$(PY) -m pip install --quiet --no-deps --require-hashes -r requirements-sqlserver.lock
	@$(PY) -m pytest -m odbc tests/odbc $(ARGS)

test-browser: $(READY) ## un vrai Chromium devant l'interface de Prefect et chaque page du projet (axe-core), PDF/UA (demande chromium, environ 5 min)
	@$(PY) -m pip install --quiet --no-deps --require-hashes -r requirements-browser.lock
	@$(PY) -m pytest -m browser tests/browser $(ARGS)

test-systemd: $(READY) ## les unités systemd sous un vrai systemd, dans une machine en mémoire (demande root et systemd, environ 5 min)
	@$(PY) -m pytest -m systemd tests/systemd $(ARGS)

test-redmine: $(READY) ## le suivi, face à un vrai Redmine (demande redmine, redmine-sqlite et puma de Debian, environ 3 min)
	@$(PY) -m pytest -m redmine tests/redmine $(ARGS)

screenshots: test-browser ## refaire les images de l'interface que montre le README
	@cp build/screenshots/formulaire.png build/screenshots/formulaire-pause.png build/screenshots/formulaire-etape.png build/screenshots/artefacts.png docs/

# A folder apart, put behind the others on Python's path by the tests: what they need is not what the project is locked
# to, and mssql-cli, of which one file is read, wants packages that no longer go with it (`pip check` would fail).
$(TSQL)/.ready: requirements-tsql.lock | $(READY)
	@rm -rf $(TSQL)
	@$(PY) -m pip install --quiet --no-deps --no-compile --require-hashes --target $(TSQL) -r requirements-tsql.lock
	@touch $@

test-tsql: $(TSQL)/.ready ## tout le T-SQL du projet lu par l'analyseur de Microsoft (Linux x86-64)
	@$(PY) -m pytest -m tsql tests/tsql $(ARGS)

test-sqlserver: $(READY) ## la suite SQL Server, sur le serveur que la variable MSSQL désigne (export MSSQL="DRIVER={…};…")
	@$(PY) -m pytest -m sqlserver tests/sqlserver $(ARGS)

lint: $(READY) ## ruff, mypy strict et sens des imports
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -m pytest -q tests/test_layers.py

bench: $(READY) ## mesures de durée : campagne, flux, intégration, scénarios qui se recouvrent, historique, rapport (rien n'y échoue, environ 28 min)
	@$(PY) -m tests.bench
	@$(PY) -m tests.bench_flow
	@$(PY) -m tests.bench_onboarding
	@$(PY) -m tests.bench_overlap
	@$(PY) -m tests.bench_history
	@$(PY) -m tests.bench_report

bench-hd: $(READY) ## bascules et retours à la suite sous charge : durées, interruptions, écritures perdues (ROUNDS=30)
	@$(PY) -m tests.drills.bench $(ROUNDS)

# Apart as well, so that what is measured against is no dependency.
$(RELADIFF)/.ready: requirements-reladiff.lock | $(READY)
	@rm -rf $(RELADIFF)
	@$(PY) -m pip install --quiet --no-deps --no-compile --require-hashes --target $(RELADIFF) -r requirements-reladiff.lock
	@touch $@

bench-compare: $(RELADIFF)/.ready ## comparaison de tables : durées et mémoire, face au plancher et à reladiff (ROWS=n, 1 et 10 millions sinon : environ 6 min)
	@$(PY) -m tests.bench_compare $(ROWS)

sandbox-up: $(READY) ## démarrer la plateforme embarquée et la laisser en marche (DEFECT=nom)
	@$(PY) -m nonreg.sandbox up $(if $(DEFECT),--defect $(DEFECT))

sandbox-down: $(READY) ## arrêter la plateforme embarquée, même après un plantage
	@$(PY) -m nonreg.sandbox down

sandbox-status: $(READY) ## dire ce qui tourne
	@$(PY) -m nonreg.sandbox status

up: $(READY) ## installation de cette machine : serveur Prefect, travailleur, déploiements, plateforme (ARGS="--workers 2")
	@$(PY) -m nonreg.service up $(ARGS)

down: $(READY) ## tout arrêter et tout effacer, sauf les passages (ARGS=--keep pour reprendre plus tard)
	@$(PY) -m nonreg.service down $(ARGS)

clean: down sandbox-down ## arrêter et effacer ce qui a été produit (sauf les passages)
	@rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache
