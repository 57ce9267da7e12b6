# make run · make test · make lint · make bench. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export XDG_RUNTIME_DIR ?= $(CURDIR)/var/run

.DEFAULT_GOAL := help
.PHONY: help run demo-data test coverage lint bench lock clean

help: ## 这张表
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: $(VENV)/.run ## 启动：网页、worker、（没有微信账号时）手机模拟器，http://127.0.0.1:8000
	@exec $(BIN)/python app.py

demo-data: $(VENV)/.run ## 装一所演示学校：学生、老师、值班表、一个月的提问和警报；然后 make run 看
	@$(BIN)/python -m flask db upgrade
	@$(BIN)/python -m flask demo load

test: $(VENV)/.test ## 装好测试要的东西，运行全部测试和检查
	@mkdir -p $(XDG_RUNTIME_DIR)
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -n 2 --dist worksteal

coverage: $(VENV)/.test ## 哪些行没有测试走到（全部测试，要两倍的时间）
	@mkdir -p $(XDG_RUNTIME_DIR)
	@$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term:skip-covered

lint: $(VENV)/.test ## ruff、mypy、import-linter、知识库、词库和提醒的检查
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m flask kb lint
	@$(BIN)/python -m flask safety lint
	@$(BIN)/python -m flask reminders lint

bench: $(VENV)/.test ## 性能对比（一小时多，一半是一万人的季节），结果见 docs/benchmarks.md
	@mkdir -p $(XDG_RUNTIME_DIR)
	@$(BIN)/python benchmarks/run.py
	@$(BIN)/python benchmarks/safety.py
	@$(BIN)/python benchmarks/knowledge.py
	@$(BIN)/python benchmarks/escalation.py
	@$(BIN)/python benchmarks/campaign.py
	@$(BIN)/python benchmarks/season.py --students 10000

lock: $(VENV)/.test ## 由 requirements*.in 重新生成锁定的 requirements*.txt
	@$(BIN)/pip-compile -q --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt requirements.in
	@$(BIN)/pip-compile -q --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements-dev.txt requirements-dev.in

clean: ## 删除虚拟环境和缓存（不动 var/ 里的数据）
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "需要 Python 3.11 或更新；现在是 $$($(PYTHON) --version)。可以 make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "建不了虚拟环境；Debian 上先 apt install python3-venv"; exit 1; }

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	@echo "正在安装依赖（第一次要一两分钟）…"
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.test: requirements.txt requirements-dev.txt | $(VENV)/.run
	@echo "正在安装测试依赖…"
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@touch $@
