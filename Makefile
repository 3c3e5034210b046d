# `make demo` and `make test` set up what they need themselves.

CARGO ?= cargo
PHOTO ?= tests/photos/coffee.jpg

# No test may be skipped for want of an adapter or of the model.
TEST_ENVIRONMENT = HEADWATER_REQUIRE_ADAPTER=1 HEADWATER_REQUIRE_MODEL=1

.NOTPARALLEL:
.PHONY: help setup build model demo lint test test-full doc deny

help:
	@echo 'make demo       set up, build, fetch the model, cut out a photograph (PHOTO=FILE)'
	@echo 'make test       set up, fetch the model, format check, lints, all quick tests'
	@echo 'make test-full  the same with the slow tests: the whole net at 1024'
	@echo 'make doc        the library'"'"'s documentation'
	@echo 'make deny       licences, duplicates and sources of the dependencies (needs cargo-deny)'

setup:
	@tools/setup

build: setup
	$(CARGO) build --locked

demo: build
	@tools/demo '$(PHOTO)'

model: build
	target/debug/headwater pull isnet

lint:
	@tools/setup --tests
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

# The lints come first: they find mistakes before the tests are built.
test: lint model
	$(TEST_ENVIRONMENT) $(CARGO) test --locked

test-full: lint model
	$(TEST_ENVIRONMENT) HEADWATER_FULL=1 $(CARGO) test --locked

doc:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps

deny:
	@$(CARGO) deny --version || { echo 'install it with: $(CARGO) install cargo-deny --locked'; exit 1; }
	$(CARGO) deny --locked check licenses bans sources
