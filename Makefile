# `make help` lists the targets. The two that a newcomer needs: `make demo` and `make test`.
SHELL       = /bin/bash
.SHELLFLAGS = -o pipefail -c

GO    ?= go
TOOL   = $(GO) tool -modfile=tools.mod
# In a checkout without version control information (an archive, another user's folder) the build still works.
export GOFLAGS += -buildvcs=false
# The end-to-end tests need namespaces, clients and root; unit tests need BIND, for io/ddns; everything else needs only Go.
E2E    = ./cmd/lockstep6/internal/e2e
UNIT   = $$($(GO) list ./... | grep -v /internal/e2e)
# Packages, and files of tests, in which nothing runs side by side, which a test of the house holds against them. The race detector isn't
# asked about these, nor about cmd/lockstep6, whose scripts run what the daemon's own tests run.
SEQUENTIAL = core/class core/config core/history core/naming core/policy core/query core/sim core/wire
ALONE = core/address/choose_test.go core/binding/table_test.go core/engine/adopt_test.go core/engine/property_test.go core/engine/script_test.go core/engine/sequence_reload_test.go core/peer/relays_test.go store/intact_test.go store/repair_test.go
RACED  = $$($(GO) list ./... | grep -vE "/internal/(e2e|house)$$|/cmd/lockstep6$$|/($$(tr ' ' '|' <<<'$(SEQUENTIAL)'))$$")
BENCHED = $$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n 1 dirname | sort -u)
BENCHTIME ?= 1s
# What was measured, for the results' heads. That results differ doesn't count.
COMMIT = "$$(git describe --always 2>/dev/null || echo of an unknown commit)$$(git diff --quiet HEAD -- . ':!bench/results' ':!BENCHMARKS.md' 2>/dev/null || echo -dirty)"
# Not among tools.mod: it is needed only where its database can be reached, and its answers change with that.
GOVULNCHECK = v1.9.0
SOAK      ?= 1h

.PHONY: help build demo test test-all longer unit race fuzz-seeds fuzz e2e lint vuln modern bench bench-go bench-once onecore scale peers overload catchup targets agreement failover takeover soak soak-kill web package deps clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the program, ./lockstep6
	$(GO) build -trimpath -o lockstep6 ./cmd/lockstep6

demo: build ## three nodes, ten thousand clients, one node killed: a minute, no root, loopback only
	./lockstep6 demo

test: deps ## everything: formatting, vet, unit, race, fuzz seeds, models, each benchmark once, end to end with real clients
	$(MAKE) formatted unit race bench-once e2e

test-all: test longer ## test, then what takes longer

longer: fuzz ## fuzzing, thousands of power cuts, DNS updates with Knot too and until leases end, the documentation's slow commands, every unit test again in random order, the web page, the package
	@packaging/test-deps.sh knot
	DNSTEST=all $(GO) test -count=1 -run Daemon ./io/ddns
	DNSTEST=all PAGETEST=all FLEETTEST=all $(GO) test -v -count=1 -timeout 30m -parallel 8 -run 'TestS11|TestDNS|TestPages|TestFleet' $(E2E) 2>&1 | .ci/brief
	CUTS=2000 CALLS=1 $(GO) test -v -count=1 -timeout 60m -run 'TestPowerLoss|TestEveryCall' ./store 2>&1 | .ci/brief
	$(GO) test -count=1 -shuffle=on $(UNIT)
	$(MAKE) web
	packaging/test

.PHONY: formatted
formatted: # no list of files means well
	@files=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go' 2>/dev/null || find . -name '*.go')); \
		test -z "$$files" || { echo "not gofmt's: $$files" >&2; exit 1; }
	$(GO) vet ./...

unit: ## unit and model tests, fuzz seeds, allocation tests (which the race detector would upset)
	$(GO) test $(UNIT)

race: ## the same under the race detector, where things run side by side
	$(GO) test -race -skip "^($$(sed -n 's/^func \(Test[A-Za-z0-9_]*\)(.*/\1/p' $(ALONE) | paste -sd '|'))$$" $(RACED)

e2e: deps ## real clients and relays in network namespaces; root, or sudo without password
	$(GO) test -v -count=1 -timeout 15m -parallel 8 $(E2E) 2>&1 | .ci/brief

fuzz: ## every fuzz target for FUZZTIME (60s)
	.ci/fuzz $${FUZZTIME:-60s}

lint: formatted ## gofmt, go vet, staticcheck
	$(TOOL) staticcheck ./...

vuln: ## dependencies with known faults, by govulncheck, where its database can be reached; it fails nothing
	-@$(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK) ./...

modern: ## what go fix and gofumpt would change; suggestions, so no part of lint
	-@$(GO) fix -diff ./...
	-@$(TOOL) gofumpt -d bench cmd core io store

bench: build ## the figures of BENCHMARKS.md but for takeover and catchup, into bench/results, and its table of targets; root, 6 GiB, under 30 minutes
	$(MAKE) bench-go BENCHTIME=50ms
	$(MAKE) onecore ONECORE='-rounds 2'
	$(MAKE) scale
	$(MAKE) peers PEERS='-rounds 1'
	$(MAKE) overload OVERLOAD='-step 2s -duration 3s'
	$(MAKE) targets TARGETS=-new

bench-go: ## the Go benchmarks, into bench/results/go.txt; compare two with: go tool -modfile=tools.mod benchstat OLD NEW; 4 minutes
	{ echo "commit: "$(COMMIT); echo "load: $$(cut -d ' ' -f 1 /proc/loadavg)"; \
		$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(BENCHED); } | tee bench/results/go.txt

bench-once: build ## each Go benchmark and each row of onecore and catchup once, in small, so that none rots, and a short soak; two minutes
	BENCH_BINDINGS=10000 BENCH_BITS=16 $(GO) test -run '^$$' -bench . -benchtime 1x $(BENCHED)
	$(GO) run ./bench/onecore -rounds 1 -step 500ms -sustained 500ms -clients 100000 >/dev/null
	$(GO) run ./bench/catchup -clients 20000 -step 1s >/dev/null
	$(GO) run ./bench/soak -for 30s -rate 300 >/dev/null

onecore: build ## one processor against a bare echo, Pebble and the table alone; what syncs, limits, logs and a second worker cost; 7 minutes
	$(GO) run ./bench/onecore -commit $(COMMIT) -out bench/results $(ONECORE)

targets: ## the table of targets in BENCHMARKS.md, from bench/results
	$(GO) run ./bench/target/table $(TARGETS)

scale: ## many bindings on one node, a dense pool, the ceilings: tables and plots; 6 GiB of memory, 5 minutes
	$(GO) run ./bench/scale/measure -commit $(COMMIT) -out bench/results

agreement: ## how often nodes give one lease twice in dense pools: the tables and the plot in docs, a minute
	$(GO) run ./bench/agreement/montecarlo -csv bench/results/agreement.csv -svg docs/agreement-duplicates.svg -page docs/agreement.md

failover: ## two of our nodes and a pair that speaks RFC 8156 through the same histories: the tables in docs, a minute or two
	$(GO) run ./bench/failover/compare -csv bench/results/failover.csv -page docs/failover-protocol.md

takeover: build ## how many clients keep their leases when one of two servers dies, with lockstep6 and with Kea; root, a minute
	@packaging/test-deps.sh kea-dhcp6-server
	$(GO) run ./bench/takeover/compare -commit $(COMMIT) -out bench/results/takeover.md

peers: build ## what lockstep6, Kea, ISC dhcpd, dnsmasq and Dibbler hold, in turns: rates, CPU, latency; root, a quarter of an hour
	@packaging/test-deps.sh isc-dhcp-server dnsmasq-base dibbler-server kea-dhcp6-server kea-admin
	$(GO) run ./bench/peers -commit $(COMMIT) -out bench/results/peers $(PEERS)

catchup: build ## a node with an empty disk takes in a peer's million bindings: how fast, and what it costs the peer; no root, 3 GiB, 2 minutes
	$(GO) run ./bench/catchup -commit $(COMMIT) -out bench/results $(CATCHUP)

overload: build ## goodput of lockstep6 and Kea under up to 20 times the load that each can do, with a plot; root, 12 minutes
	@packaging/test-deps.sh kea-dhcp6-server
	$(GO) run ./bench/overload -commit $(COMMIT) -out bench/results $(OVERLOAD)

soak: build ## two nodes for SOAK (1h) under churn, kill -9, reloads, drains, backups: no promise broken, nothing that grows; no root
	$(GO) run ./bench/soak -for $(SOAK) -commit $(COMMIT) -out bench/results

soak-kill: build ## kill -9 under load again and again for SOAK, each Reply looked up in the killed store
	SOAK=$(SOAK) LOCKSTEP6_BINARY=$(CURDIR)/lockstep6 $(GO) test -v -count=1 -timeout 24h -run 'TestKill' $(E2E)

web: build ## the page that nodes serve, in a headless Chromium: every view of a cluster, by axe-core's rules too; pictures; some minutes
	@packaging/test-deps.sh chromium bind9
	@command -v npm >/dev/null || packaging/test-deps.sh nodejs npm
	packaging/web/test

deps: ## install Debian packages that the tests need, if any is missing
	@packaging/test-deps.sh

package: ## the Debian package, into dist
	packaging/build

clean: ## remove what was built
	rm -rf lockstep6 dist
