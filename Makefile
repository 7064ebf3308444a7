# Two commands on a fresh machine with Python >= 3.11 and a C++20 compiler: make demo, make test.
PYTHON ?= python3
venv := .venv
bin := $(venv)/bin
pip := $(bin)/python -m pip --disable-pip-version-check
sources := CMakeLists.txt pyproject.toml $(shell find cmake cpp python -type f -not -name '*.pyc')

wheel := build/wheel

.PHONY: demo demo-full test install wheel clean
.DELETE_ON_ERROR:

demo: $(venv)/installed
	$(bin)/python examples/demo.py

demo-full: $(venv)/installed
	$(bin)/python examples/demo.py --full

test: $(venv)/installed $(venv)/test-group
	$(bin)/python -m pytest

install: $(venv)/installed

# What every environment installs, compiled once: build/wheel holds this one file.
wheel: $(wheel)/built

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
$(wheel)/built: $(venv)/build-group $(sources)
	@rm -rf $(wheel)
	$(pip) wheel --quiet --no-build-isolation --no-deps --wheel-dir $(wheel) .
	@touch $@

$(venv)/installed: $(wheel)/built
	$(pip) install --quiet --force-reinstall --no-deps $(wheel)/*.whl
	$(pip) install --quiet "$$(echo $(wheel)/*.whl)[plot,progress]"
	@touch $@
