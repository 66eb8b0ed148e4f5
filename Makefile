# The commands of landcycle. What they promise is in docs/operations.md; variables can be given on the command line:
#   make demo PARCELS=2000 SERVE=no
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

PARCELS ?= 48501
SEED    ?= 310000
LISTEN  ?= 127.0.0.1:8080
SERVE   ?= yes

TARGET  := $(or $(CARGO_TARGET_DIR),target)
RELEASE := $(TARGET)/release/landcycle
DEBUG   := $(TARGET)/debug/landcycle

WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)
WEB_MODULES := web/node_modules/.package-lock.json
WEB_PAGE    := web/dist/index.html

.PHONY: help
help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | column -ts $$'\t'

.PHONY: demo
demo: packages $(WEB_PAGE) ## A made-up city, from files to a map, served until Ctrl-C; SERVE=no writes the lists and ends
	cargo build --release --locked
ifeq ($(SERVE),no)
	@# The database is stopped also when the run failed, and the run's status is the one that counts.
	@status=0; $(RELEASE) demo run --parcels $(PARCELS) --seed $(SEED) --listen $(LISTEN) --no-serve || status=$$?; \
	  $(RELEASE) db stop --quiet >/dev/null || status=3; exit $$status
else
	@$(RELEASE) demo run --parcels $(PARCELS) --seed $(SEED) --listen $(LISTEN)
endif

.PHONY: test
test: packages-for-tests $(WEB_PAGE) ## Every test: Rust, database, web unit, and one run in a browser
	cargo build --locked --all-targets
	@# The tests' own cluster is stopped at the end, however they end.
	@stop() { $(DEBUG) db stop --quiet --home $(TARGET)/test-home >/dev/null || true; }; trap stop EXIT; \
	  set -x; \
	  if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --locked --no-fail-fast; \
	  else cargo test --locked --lib --bins --tests --no-fail-fast; fi; \
	  cargo test --locked --doc
	cd web && npm test
	scripts/browser-test $(DEBUG)

.PHONY: bench
bench: packages ## What the performance figures quote
	cargo bench --locked

.PHONY: ci
ci: packages-for-tests $(WEB_PAGE) ## Everything that has to hold before a change is taken
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' cargo doc --locked --no-deps --document-private-items
	scripts/check-sql
	$(MAKE) test
	@# A home of its own, made anew: a change that only works on an old database does not work.
	scripts/forget-home $(DEBUG) $(TARGET)/smoke-home
	LANDCYCLE_HOME=$(abspath $(TARGET))/smoke-home $(MAKE) demo SERVE=no PARCELS=2000

.PHONY: fmt
fmt: ## Lay out the code
	cargo fmt

.PHONY: packages packages-for-tests
packages:
	@scripts/install-packages
packages-for-tests:
	@scripts/install-packages --tests

$(WEB_MODULES): web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

$(WEB_PAGE): $(WEB_MODULES) $(WEB_SOURCES)
	cd web && npm run build
	@touch $@
