# `make demo` and `make test` set up what they need themselves.

CARGO ?= cargo
PHOTO ?= tests/photos/coffee.jpg

# No test may be skipped for want of an adapter, of the model or of a browser.
TEST_ENVIRONMENT = HEADWATER_REQUIRE_ADAPTER=1 HEADWATER_REQUIRE_MODEL=1 HEADWATER_REQUIRE_BROWSER=1

.NOTPARALLEL:
.PHONY: help setup build web model demo cutout lint test test-full test-examples doc deny

help:
	@echo 'make demo       set up, build, fetch the model, serve the demo page and open it'
	@echo 'make cutout     the same on the command line: cut out a photograph (PHOTO=FILE)'
	@echo 'make web        the npm package with its Wasm, and the demo page'
	@echo 'make test       set up, fetch the model, format check, lints, all quick tests, browser included'
	@echo 'make test-full  the same with the slow tests: the whole net at 1024'
	@echo 'make test-examples  the npm package in apps whose tools are installed from the network (Next.js)'
	@echo 'make doc        the library'"'"'s documentation'
	@echo 'make deny       licences, duplicates and sources of the dependencies (needs cargo-deny)'

setup:
	@tools/setup

build: setup
	$(CARGO) build --locked

web:
	@tools/setup --web
	tools/wasm
	npm --prefix www run --silent build
	npm --prefix www run --silent sizes

demo: build web
	@tools/demo

cutout: build
	@tools/cutout '$(PHOTO)'

model: build
	target/debug/headwater pull isnet

lint:
	@tools/setup --tests
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path tools/bindgen/Cargo.toml
	$(CARGO) clippy --locked --all-targets -- -D warnings
	tools/wasm --clippy

# The lints come first: they find mistakes before the tests are built.
test: lint model web
	npm --prefix www run --silent check
	$(TEST_ENVIRONMENT) $(CARGO) test --locked
	$(TEST_ENVIRONMENT) npm --prefix www test

test-full: lint model web
	npm --prefix www run --silent check
	$(TEST_ENVIRONMENT) HEADWATER_FULL=1 $(CARGO) test --locked
	$(TEST_ENVIRONMENT) HEADWATER_FULL=1 npm --prefix www test

test-examples: model web
	cd www/tests && $(TEST_ENVIRONMENT) HEADWATER_EXAMPLES=1 node --test --test-reporter=spec apps.test.mjs

doc:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps

deny:
	@$(CARGO) deny --version || { echo 'install it with: $(CARGO) install cargo-deny --locked'; exit 1; }
	$(CARGO) deny --locked check licenses bans sources
