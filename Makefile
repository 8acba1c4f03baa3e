# Rörpost. "make" prints what can be made; "make check" is what the continuous integration runs.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO       ?= go
FUZZTIME ?= 5s
BENCH    ?= .
# The crash test's rounds, each one a kill -9 under load.
ROUNDS   ?= 20
SYSTEMS  := linux/amd64 linux/arm64 linux/arm/7 windows/amd64

# The race detector needs a C compiler; without one the tests run without it, and check says so.
RACE := $(shell command -v $${CC:-gcc} >/dev/null 2>&1 && echo -race)

.PHONY: help demo build test race fuzz lint vulnerabilities bench cross crash check browser clean

help: ## Say what can be made.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## Everything on this machine, with simulated peers and a live page.
	bin/rorpost demo

build: ## The program, as bin/rorpost.
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/rorpost ./cmd/rorpost

test: ## The tests.
	$(GO) test ./...

race: ## The tests, with the race detector.
	CGO_ENABLED=1 $(GO) test -race ./...

fuzz: ## Every fuzz target for FUZZTIME (5s).
	@grep -rl --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		grep -oE '^func Fuzz[A-Za-z0-9_]+' "$$file" | cut -d' ' -f2 | while read -r target; do \
			echo "fuzz $$(dirname "$$file") $$target"; \
			$(GO) test "$$(dirname "$$file")" -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=20x </dev/null; \
		done; \
	done

lint: ## Formatting, go vet, staticcheck, known vulnerabilities.
	@bad=$$(gofmt -l .); if [ -n "$$bad" ]; then echo "gofmt would change:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@$(MAKE) vulnerabilities

# govulncheck ends with 3 when it has found something, and with 1 when it could not look.
vulnerabilities:
	@status=0; out=$$(timeout 180 $(GO) tool govulncheck ./... 2>&1) || status=$$?; \
	case $$status in \
	0) echo "govulncheck: nothing known" ;; \
	3) echo "$$out"; exit 1 ;; \
	*) if grep -qE 'fetching vulnerabilities|no such host|dial tcp' <<<"$$out" || [ $$status = 124 ]; then \
		echo "govulncheck: the database cannot be reached, not checked"; \
	   else echo "$$out"; exit 1; fi ;; \
	esac

bench: ## The benchmarks named by BENCH (all).
	$(GO) test -run='^$$' -bench='$(BENCH)' -benchmem ./...

cross: ## Builds for every system that we support, without cgo.
	@for system in $(SYSTEMS); do \
		IFS=/ read -r os arch arm <<<"$$system"; \
		echo "build $$system"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch GOARM=$$arm $(GO) build -o /dev/null ./cmd/rorpost; \
	done

crash: ## Kill the gateway under load ROUNDS (20) times and compare what its peers have.
	RORPOST_CRASH_ROUNDS=$(ROUNDS) $(GO) test ./cmd/rorpost -run KilledUnderLoad -count=1 -v -timeout 20m

# The tests of the pages want a real browser; without one they skip and say so.
browser:
	@if command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		echo "check: there is no browser, installing chromium for the tests of the pages"; \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium) >/dev/null 2>&1 || true; \
	fi; \
	command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || \
		echo "check: there is no browser and none could be installed; the tests of the pages in a browser are skipped"

# The whole tree is tested once, loudly into a file, so that what the tests log can be searched for personal numbers;
# the file's verdicts are printed last.
check: ## All of the above that can fail: lint, cross, tests, fuzz, personal numbers in the test run.
	@$(MAKE) lint
	@$(MAKE) cross
	@$(MAKE) browser
	@$(if $(RACE),,echo "check: there is no C compiler, the race detector is not used";) \
	dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; log=$$dir/test.log; fuzz=$$dir/fuzz.log; \
	verdicts() { grep -E '^(ok|FAIL|panic:|\?)' "$$log" || true; }; \
	echo "go test $(RACE) -v ./..."; \
	if ! $(GO) test $(RACE) -timeout 12m -v ./... >"$$log" 2>&1; then \
		awk '/^(ok|\?) / {held = ""; next} /^FAIL\t/ {print held $$0; held = ""; next} \
			!/^ *(=== |--- (PASS|SKIP))/ {held = held $$0 "\n"} END {printf "%s", held}' "$$log"; \
		verdicts; exit 1; \
	fi; \
	awk '/^ *--- SKIP/ && !/InTheTestRun/ {print "skipped " $$3 ":" why} {why = $$0}' "$$log"; \
	$(MAKE) fuzz 2>&1 | tee "$$fuzz" | grep -vE '^fuzz: elapsed|^PASS'; \
	all=$$dir/all.log; cat "$$log" "$$fuzz" >"$$all"; \
	if ! RORPOST_TEST_OUTPUT=$$all $(GO) test $(RACE) ./cmd/rorpost -count=1 -run InTheTestRun >"$$dir/leak.log" 2>&1; then \
		echo "check: a personal number stands in the output of the tests"; cat "$$dir/leak.log"; exit 1; \
	fi; \
	echo "check: no personal number in $$(wc -l <"$$all") lines of test output"; \
	verdicts

clean: ## Removes what was built.
	rm -rf bin dist
