# The course's commands; `make` lists them. On Windows call what they call: py -m course_utils.lab [lab|submit|collect]
PYTHON ?= python3
COURSE_VENV ?= .venv
COURSE ?= .
export COURSE_VENV

LAB = $(PYTHON) -m course_utils.lab
RUN = "$(COURSE_VENV)/bin/python"
# nbgrader starts programs of its environment (alembic) by name, so that folder goes first on the PATH
AUTHOR = PATH="$(abspath $(COURSE_VENV))/bin:$$PATH" $(RUN) -m course_author

.DEFAULT_GOAL := help
.PHONY: help setup dev lab test full source release wheel text stats submit collect demo answers mutants nbval cuda-pack cuda-check formgrader attacks bench bench-mnist bench-one lint clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

lab:  ## set up, then open JupyterLab on your workbook (PORT=8899: on that port)
	@$(LAB) lab $(if $(PORT),--port $(PORT))

submit:  ## pack a unit of your workbook for handing in: UNIT=01_basic_concepts STUDENT=your-id
	@$(LAB) submit $(UNIT) $(if $(STUDENT),--student $(STUDENT))

setup:  ## make the environment .venv, or bring it up to date
	@$(LAB) setup

dev:
	@$(LAB) setup --dev

collect:  ## instructors: sort handed-in zips into submitted/ (FROM="folder a.zip"; default: outboxes, inbox/)
	@$(LAB) collect $(FROM)

formgrader: dev  ## instructors: open nbgrader's formgrader (COURSE=demo: on the class of make demo)
	@$(LAB) lab --formgrader --course $(COURSE)

demo: dev  ## grade a class made of right and wrong answers and compare the points
	@$(AUTHOR) demo

test:  ## all tests of the budgeted time
	@start=$$(date +%s); $(LAB) setup --dev && COURSE_SETUP_SECONDS=$$(($$(date +%s) - start)) $(AUTHOR) test

full:  ## all tests, also those that take long
	@start=$$(date +%s); $(LAB) setup --dev && COURSE_SETUP_SECONDS=$$(($$(date +%s) - start)) $(AUTHOR) test --full

source: dev  ## authors: build source/UNIT/UNIT.ipynb from the text source/UNIT.py
	@$(AUTHOR) build

release: dev  ## authors: build the sources, then release/ from them
	@$(AUTHOR) release

wheel: dev  ## instructors: build the course's wheel into dist/, for students on Colab or another lone machine
	@$(AUTHOR) wheel

text: dev  ## authors: bring a notebook edited in JupyterLab back into the text (UNIT=01_basic_concepts)
	@$(AUTHOR) text $(UNIT)

stats: dev  ## authors: reading minutes per unit and route, against the plan
	@$(AUTHOR) stats

answers: dev  ## authors: right and wrong answers against all tests (UNIT=01_basic_concepts: of one unit)
	@$(AUTHOR) answers $(UNIT)

mutants: dev  ## authors: mechanical mutants of the solutions (UNIT=01_basic_concepts: of one unit)
	@$(AUTHOR) mutants $(UNIT)

nbval: dev  ## run all release and solved notebooks end to end (DEVICE=cuda: on the GPU)
	@$(AUTHOR) nbval $(if $(DEVICE),--device $(DEVICE))

cuda-pack: dev  ## authors: what cuda-check needs on a bare machine, into cuda-pack/ (carry it there)
	@$(AUTHOR) cuda-pack

cuda-check:  ## all on a GPU, with torch, numpy, matplotlib alone (to try it: DEVICE=cpu SEEDS=1 MINUTES=20)
# No set-up here: such a machine has torch, numpy and matplotlib, and no network.
	@$(PYTHON) -m course_author cuda-check $(if $(DEVICE),--device $(DEVICE)) \
		$(if $(SEEDS),--seeds $(SEEDS)) $(if $(MINUTES),--minutes $(MINUTES))

attacks: dev  ## authors: all attack submissions against our grader (STOCK=1: against plain nbgrader, too)
	@$(AUTHOR) attacks $(if $(STOCK),--stock)

bench: dev  ## authors: submissions a minute against plain nbgrader (hours; FEW=2: it grades 2; MADE="1000 10000")
	@$(AUTHOR) bench $(UNIT) $(if $(FEW),--stock-students $(FEW)) $(if $(MADE),--made $(MADE))

bench-mnist: dev  ## authors: accuracy and training time of chapter 5's networks over 5 seeds (minutes)
	@$(AUTHOR) bench-mnist

bench-one: dev  ## authors: seconds from submission to verdict, against plain nbgrader (UNIT=01_basic_concepts)
	@$(AUTHOR) bench-one $(UNIT)

lint: dev  ## check code style
	@$(RUN) -m ruff check . && $(RUN) -m ruff format --check .

clean:  ## remove caches and test artefacts; never the environment, never anybody's work
	@rm -rf artifacts build dist *.egg-info .pytest_cache .ruff_cache && \
		find course_* tests -name __pycache__ -prune -exec rm -rf {} +
