# iclora: `make demo` shows it, `make test` proves it; both set up all that they need first.
SHELL := /bin/bash
.DEFAULT_GOAL := build
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/iclora
JOBS ?= $(shell nproc)
PRESET ?= release
PREFIX ?= /usr/local
# ccache with a precompiled header, shared by all checkouts of one user.
export CCACHE_DIR ?= $(CACHE)/ccache
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR = 1
# Not include_file_mtime: a header that changes while its includer compiles would poison the cache.
export CCACHE_SLOPPINESS = pch_defines,time_macros
export CCACHE_MAXSIZE ?= 5G
export PREFIX

.PHONY: help setup build demo test bench format lint asan fuzz flux-mini zoo install dist clean
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## install what building needs (Debian packages, libtorch)
	@tools/setup/packages.sh
	@tools/setup/libtorch.sh >/dev/null

build: ## set up and build
	@tools/setup/build.sh "$(PRESET)" "$(JOBS)"

demo: build ## set up, build, train an adapter on forty sets, draw and measure with and without it
	@PRESET="$(PRESET)" tools/demo.sh

test: build ## set up, build and run all tests
	@ctest --test-dir "build/$(PRESET)" --output-on-failure -j "$(JOBS)"

bench: build ## time kernels, encoders and a step against the machine's own peak
	@"build/$(PRESET)/bin/iclora" bench

asan: ## run all tests under the address and undefined-behaviour sanitizers
	@tools/setup/build.sh asan "$(JOBS)"
	@# use_tls=0: the leak checker falls over the threads' memory of a library loaded on demand.
	@ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS="use_tls=0:suppressions=$(CURDIR)/tools/lint/leaks.txt:print_suppressions=0" \
	  UBSAN_OPTIONS=print_stacktrace=1 ctest --test-dir build/asan --output-on-failure -j "$(JOBS)"

fuzz: ## run each fuzz target for SECONDS (default 20) from its corpus
	@tools/fuzz/run.sh "$(or $(SECONDS),20)" "$(JOBS)"

format: ## format all C++ sources
	@tools/setup/packages.sh debian-packages-check.txt
	@git ls-files -z --cached --others --exclude-standard '*.cpp' '*.h' | xargs -0 -r clang-format-14 -i

lint: build ## check format, includes and clang-tidy over all sources
	@tools/lint/lint.sh "$(PRESET)" "$(JOBS)"

flux-mini: build ## draw the small world and train flux-mini on it from nothing (hours; goes on when stopped)
	@PRESET="$(PRESET)" tools/flux_mini.sh

zoo: build ## train the adapters of the ten tasks anew from the sets in examples/
	@PRESET="$(PRESET)" tools/zoo.sh $(TASKS)

install: build ## install below PREFIX (default /usr/local; DESTDIR is honoured)
	@cmake --install "build/$(PRESET)" --prefix "$$PREFIX" --strip

dist: build ## one relocatable folder below dist/, and one with the models
	@tools/dist/make.sh "$(PRESET)"

clean: ## remove what was built
	@rm -rf build dist demo
