# Everything a person or a machine does with this repository. `make help` lists it.
PORT ?= 8000
DEMO ?= 1
PYTEST_ARGS ?=
# How long `make fuzz` runs.
SECONDS ?= 600
# A folder of wheels to install from instead of the package index (see `make wheels`).
WHEELS ?=
# The Python the environment is made with; 3.11 or later. Empty: the first suitable one is found.
PYTHON ?=

PY := .venv/bin/python
PO := $(wildcard intranet/translations/*/LC_MESSAGES/*.po)
MO := $(PO:.po=.mo)
export PORT DEMO WHEELS PYTHON

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help serve test check bench fuzz format translations coverage vendor wheels

help: ## 列出各项命令 / list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: .venv/.installed $(MO) ## 启动网站与后台任务 / start web and worker (PORT=8000 DEMO=1)
	@deploy/serve.sh

test: .venv/.installed-dev $(MO) ## 运行全部测试 / run all tests (PYTEST_ARGS=…)
	@deploy/test-tools.sh
	$(PY) -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

check: .venv/.installed-dev ## 格式、规范、类型、依赖、模板、译文 / format, lint, types, imports, templates, translations
	@PY=$(PY) deploy/check.sh

bench: .venv/.installed-dev $(MO) ## 运行各项基准 / run every benchmark in bench/
	@PY=$(PY) deploy/bench.sh

fuzz: .venv/.installed-dev ## 模糊测试 age 格式的读取 / fuzz the reading of the age format (SECONDS=600)
	@$(PY) -c 'import atheris' 2>/dev/null || $(PY) -m pip install --quiet atheris==3.0.0
	@$(PY) -m tests.fuzz.age --seeds tests/.cache/fuzz
	$(PY) -m tests.fuzz.age -max_total_time=$(SECONDS) -timeout=20 -rss_limit_mb=1024 -max_len=1400 \
	  -artifact_prefix=tests/.cache/ -print_final_stats=1 tests/.cache/fuzz

format: .venv/.installed-dev ## 整理代码格式 / format the code, mend what can be mended
	$(PY) -m ruff check --fix --exit-zero .
	$(PY) -m ruff format .

translations: .venv/.installed ## 更新英文译文目录 / bring the English catalogue up to date with the texts
	$(PY) -m intranet.translations.check --update

coverage: .venv/.installed-dev $(MO) ## 测试覆盖情况 / which lines no test runs
	@deploy/test-tools.sh
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest $(PYTEST_ARGS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report

vendor: ## 重新取得样式、脚本与图标 / fetch the pinned style sheet, script and icons again
	deploy/vendor.sh

wheels: .venv/.installed ## 备好离线安装包 / collect wheels for machines without a network
	$(PY) -m pip wheel --quiet --wheel-dir wheels -r requirements.txt

.venv/.installed: requirements.txt
	@deploy/venv.sh requirements.txt
	@touch $@

# One installation brings both sets, so the run-time stamp is set as well.
.venv/.installed-dev: requirements-dev.txt requirements.txt
	@deploy/venv.sh requirements-dev.txt
	@touch .venv/.installed $@

%.mo: %.po | .venv/.installed
	@$(PY) -m babel.messages.frontend --quiet compile -i $< -o $@
