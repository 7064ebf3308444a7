# Two commands on a fresh machine with Python >= 3.11 and a C++20 compiler: make demo, make test.
PYTHON ?= python3
venv := .venv
bin := $(venv)/bin
pip := $(bin)/python -m pip --disable-pip-version-check
sources := CMakeLists.txt pyproject.toml $(shell find cmake cpp python -type f -not -name '*.pyc')

.PHONY: demo demo-full test install clean
.DELETE_ON_ERROR:

demo: $(venv)/installed
	$(bin)/python examples/demo.py

demo-full: $(venv)/installed
	$(bin)/python examples/demo.py --full

test: $(venv)/installed $(venv)/test-group
	$(bin)/python -m pytest

install: $(venv)/installed

clean:
	rm -rf $(venv) build out

$(venv)/created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vicinal needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(venv)
	$(pip) install --quiet --upgrade "pip>=25.1"
	@touch $@

$(venv)/build-group: $(venv)/created pyproject.toml
	$(pip) install --quiet --group build
	@touch $@

$(venv)/test-group: $(venv)/created pyproject.toml
	$(pip) install --quiet --group test
	@touch $@

# Without build isolation the second build is incremental (build/ keeps the objects).
$(venv)/installed: $(venv)/build-group $(sources)
	$(pip) install --quiet --no-build-isolation ".[plot,progress]"
	@touch $@
