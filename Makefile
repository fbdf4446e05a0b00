# `make help` lists the targets. The two that a newcomer needs: `make demo` and `make test`.
SHELL       = /bin/bash
.SHELLFLAGS = -o pipefail -c

GO    ?= go
TOOL   = $(GO) tool -modfile=tools.mod
# In a checkout without version control information (an archive, another user's folder) the build still works.
export GOFLAGS += -buildvcs=false
# The end-to-end tests need namespaces, clients and root; everything else needs only Go.
E2E    = ./cmd/lockstep6/internal/e2e
UNIT   = $$($(GO) list ./... | grep -v /internal/e2e)
BENCHED = $$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n 1 dirname | sort -u)
BENCHTIME ?= 1s
# What was measured, for the results' heads. That results differ doesn't count.
COMMIT = "$$(git describe --always 2>/dev/null || echo of an unknown commit)$$(git diff --quiet HEAD -- . ':!bench/results' ':!BENCHMARKS.md' 2>/dev/null || echo -dirty)"
SOAK      ?= 10m

.PHONY: help build demo test test-all longer unit race fuzz-seeds fuzz e2e lint modern bench bench-go bench-once onecore scale peers overload targets agreement takeover soak deps clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the program, ./lockstep6
	$(GO) build -trimpath -o lockstep6 ./cmd/lockstep6

demo: build ## three nodes, ten thousand clients, one node killed: a minute, no root, loopback only
	./lockstep6 demo

test: deps ## everything: formatting, vet, unit, race, fuzz seeds, models, each benchmark once, end to end with real clients
	$(MAKE) formatted unit race bench-once e2e

test-all: test longer ## test, then what takes longer

longer: fuzz ## fuzzing, and every unit test three times in random order
	$(GO) test -count=3 -shuffle=on $(UNIT)

.PHONY: formatted
formatted: # no list of files means well
	@files=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go' 2>/dev/null || find . -name '*.go')); \
		test -z "$$files" || { echo "not gofmt's: $$files" >&2; exit 1; }
	$(GO) vet ./...

unit: ## unit and model tests, fuzz seeds, allocation tests (which the race detector would upset)
	$(GO) test $(UNIT)

race: ## the same under the race detector
	$(GO) test -race $(UNIT)

e2e: deps ## real clients and relays in network namespaces; root, or sudo without password
	$(GO) test -v -count=1 -timeout 15m -parallel 8 $(E2E) 2>&1 | .ci/brief

fuzz: ## every fuzz target for FUZZTIME (60s)
	.ci/fuzz $${FUZZTIME:-60s}

lint: formatted ## gofmt, go vet, staticcheck
	$(TOOL) staticcheck ./...

modern: ## what go fix and gofumpt would change; suggestions, so no part of lint
	-@$(GO) fix -diff ./...
	-@$(TOOL) gofumpt -d bench cmd core io store

bench: build ## all figures of BENCHMARKS.md, into bench/results, and its table of targets; root, 6 GiB, about 30 minutes
	$(MAKE) bench-go BENCHTIME=50ms
	$(MAKE) onecore ONECORE='-rounds 2'
	$(MAKE) scale
	$(MAKE) peers PEERS='-rounds 1'
	$(MAKE) overload OVERLOAD='-step 2s -duration 3s'
	$(MAKE) targets

bench-go: ## the Go benchmarks, into bench/results/go.txt; compare two with: go tool -modfile=tools.mod benchstat OLD NEW; 4 minutes
	{ echo "commit: "$(COMMIT); echo "load: $$(cut -d ' ' -f 1 /proc/loadavg)"; \
		$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(BENCHED); } | tee bench/results/go.txt

bench-once: build ## each Go benchmark and each row of onecore once, in small, so that none rots; a minute
	BENCH_BINDINGS=10000 BENCH_BITS=16 $(GO) test -run '^$$' -bench . -benchtime 1x $(BENCHED)
	$(GO) run ./bench/onecore -rounds 1 -step 500ms -sustained 500ms -clients 100000 >/dev/null

onecore: build ## one processor against a bare echo, Pebble and the table alone; what syncs, limits, logs and a second worker cost; 7 minutes
	$(GO) run ./bench/onecore -commit $(COMMIT) -out bench/results $(ONECORE)

targets: ## the table of targets in BENCHMARKS.md, from bench/results
	$(GO) run ./bench/target/table

scale: ## many bindings on one node, a dense pool, the ceilings: tables and plots; 6 GiB of memory, 5 minutes
	$(GO) run ./bench/scale/measure -commit $(COMMIT) -out bench/results

agreement: ## how often nodes give one lease twice in dense pools: the tables and the plot in docs, a minute
	$(GO) run ./bench/agreement/montecarlo -csv bench/results/agreement.csv -svg docs/agreement-duplicates.svg -page docs/agreement.md

takeover: build ## how many clients keep their leases when one of two servers dies, with lockstep6 and with Kea; root, a minute
	@packaging/test-deps.sh kea-dhcp6-server
	$(GO) run ./bench/takeover/compare -commit $(COMMIT) -out bench/results/takeover.md

peers: build ## what lockstep6, Kea, ISC dhcpd, dnsmasq and Dibbler hold, in turns: rates, CPU, latency; root, a quarter of an hour
	@packaging/test-deps.sh isc-dhcp-server dnsmasq-base dibbler-server kea-dhcp6-server kea-admin
	$(GO) run ./bench/peers -commit $(COMMIT) -out bench/results/peers $(PEERS)

overload: build ## goodput of lockstep6 and Kea under up to 20 times the load that each can do, with a plot; root, 12 minutes
	@packaging/test-deps.sh kea-dhcp6-server
	$(GO) run ./bench/overload -commit $(COMMIT) -out bench/results $(OVERLOAD)

soak: build ## kill -9 under load again and again for SOAK (10m)
	SOAK=$(SOAK) LOCKSTEP6_BINARY=$(CURDIR)/lockstep6 $(GO) test -v -count=1 -timeout 24h -run 'TestKill' $(E2E)

deps: ## install Debian packages that the tests need, if any is missing
	@packaging/test-deps.sh

clean: ## remove what was built
	rm -f lockstep6
