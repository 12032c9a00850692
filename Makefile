# Everything runs from the repository's own .venv; a second run installs nothing again.
PYTHON ?= python3
PY := .venv/bin/python
DATA ?=
MINUTES ?=
OUT ?= runs/demo
STAMP := .venv/.installed

.PHONY: help install demo test wheel bench bench-peers lab docs readme export clean

help:
	@echo "make install  put everything into .venv, once; the others do so, too"
	@echo "make demo   train TwinSwin and TSR side by side and compare them (DATA=folder for your own pairs, MINUTES=20 for more than 7)"
	@echo "make test   run every test"
	@echo "make wheel  build the wheel and the sdist, and use the wheel in a fresh environment"
	@echo "make bench  measure speeds (importing, loading, waiting, foregrounds, calls in Python, training steps)"
	@echo "make bench-peers  measure speeds beside other libraries, which it installs"
	@echo "make lab    open the notebooks in JupyterLab"
	@echo "make docs   render the notebooks as a site in _docs/"
	@echo "make readme write README.md from nbs/index.ipynb"
	@echo "make export write the package from the notebooks and clean them"

$(STAMP): settings.ini setup.py
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (torch, timm and friends: a few minutes, once) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@# PySODMetrics pins older NumPy and OpenCV than it needs; it serves the tests only.
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps "pysodmetrics>=1.6.2"
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	@$(PY) -m twinswin_matte.cli demo $(if $(DATA),--data "$(DATA)") $(if $(MINUTES),--minutes $(MINUTES)) --out "$(OUT)"

test: $(STAMP)
	@$(PY) .ci/check.py

wheel: $(STAMP)
	@rm -rf dist
	@$(PY) .ci/wheel.py --keep dist

bench: $(STAMP)
	@$(PY) .ci/bench.py

bench-peers: $(STAMP)
	@$(PY) -c "import transformers, segmentation_models_pytorch, rembg" 2>/dev/null || $(PY) -m pip install --quiet --disable-pip-version-check -e ".[peers]"
	@$(PY) .ci/bench_peers.py

lab: $(STAMP)
	@$(PY) -m jupyter lab nbs

export: $(STAMP)
	@.venv/bin/nbdev_export
	@.venv/bin/nbdev_clean

docs: $(STAMP)
	@$(PY) -c "import myst_nb, pydata_sphinx_theme" 2>/dev/null || $(PY) -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	@$(PY) .ci/docs.py

readme: $(STAMP)
	@$(PY) .ci/readme.py

clean:
	rm -rf _docs _proc build dist
