# Every target that is meant for people has a line after `##`, which `make help` prints.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install build demo executables executables-test shells test test-fast test-page pictures check run cluster-up cluster-down failover crowd scenarios scenarios-karpenter scenarios-volumes wild accuracy golden generate verify versions bench faults soak fuzz sbom audit clean dashboards

# Node 24 comes with the packages, whatever Node runs npm; so do esbuild and the checkers.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# A copy of the lock that the installed packages came from.
INSTALLED := node_modules/.installed-lock.json
RECORDINGS ?= $(wildcard test/recordings/*.jsonl.gz)
SLOWEST ?= 3

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A registry that mirrors one platform gives a lock that `npm ci` refuses, since it does not name the others' binaries; `npm install`
# takes the same versions from it.
install: ## Install the packages of package-lock.json, if they have changed
	@cmp -s package-lock.json $(INSTALLED) || { \
	  command -v npm >/dev/null || { echo 'make: npm is needed, from Node 20 or later: https://nodejs.org' >&2; exit 1; }; \
	  npm ci --silent --no-audit --no-fund 2>/dev/null || npm install --no-save --no-audit --no-fund --loglevel=error; \
	  cp package-lock.json $(INSTALLED); }
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' || \
	  { echo "make: Node 24 is needed on this platform, and $$(command -v node) is $$(node --version)" >&2; exit 1; }

dist/podspan.mjs: package.json package-lock.json scripts/build.ts scripts/build-page.ts $(shell find src -name '*.ts' -o -name '*.css' -o -name '*.html') | install
	@node scripts/build.ts

build: dist/podspan.mjs ## Bundle src/ into dist/podspan.mjs, in about a second

# Whoever sits at a terminal gets the page as well, until Ctrl-C.
demo: dist/podspan.mjs ## Replay recordings of a real cluster: waterfalls of its slowest starts, and at a terminal the page; no cluster, no root
	@node dist/podspan.mjs replay --slowest $(SLOWEST) $(RECORDINGS)
	@echo
	@echo 'These were starts on a real cluster, recorded in test/recordings/. What to try next:'
	@echo '  make run                                        starts on the cluster of your kubeconfig, as they happen'
	@echo '  node_modules/.bin/node dist/podspan.mjs trace deploy/NAME -n NAMESPACE --slowest'
	@echo '  node_modules/.bin/node dist/podspan.mjs check   what may be seen there, and whose clocks are off'
	@echo '  node_modules/.bin/node dist/podspan.mjs replay --ui test/recordings/*.jsonl.gz      all of them on a page'
	@if [ -t 1 ]; then echo; node dist/podspan.mjs replay --ui 0 $(RECORDINGS); fi

test: dist/podspan.mjs ## Pass every test; on Linux with root and Go also those against a real cluster (PODSPAN_E2E=require insists; PODSPAN_E2E_KUBECONFIG=FILE takes that one)
	@node test/run.ts

test-fast: dist/podspan.mjs ## Pass every test that needs no cluster, in under a minute
	@node test/run.ts --fast

# `make test` has the short form.
test-page: install ## Look at every view of the page in Chromium, at each width and in both themes, with axe
	@PODSPAN_PAGE=all node --test --test-concurrency=1 'test/page/*.page.test.ts'

pictures: install ## Take the pictures of the page in README.md and docs/ anew; look at them before committing them
	@bash scripts/install-debian.sh chromium fonts-inter
	@node test/page/pictures.ts
	@git --no-pager diff --stat -- docs/images

check: dist/podspan.mjs ## Check format, types, lint, tests and drift, in under a minute
	@biome format --log-level=warn
	@tsc -p . && tsc -p src/web/page && tsc -p test/page
	@oxlint --type-aware --quiet src test scripts bench dashboards
	@node test/run.ts --fast
	@$(MAKE) --no-print-directory verify

run: dist/podspan.mjs ## Watch the cluster of the current kubeconfig context, read-only (ARGS='-n NAMESPACE')
	@node dist/podspan.mjs watch $(ARGS)

cluster-up: install ## Bring up a real cluster on this machine (Linux, root, Go) and print its KUBECONFIG
	@bash scripts/install-debian.sh
	@node test/cluster/up.ts

cluster-down: install ## Take that cluster down and prove that nothing is left
	@node test/cluster/down.ts

# `make test` has the short form: this needs a machine that does nothing else for a quarter of an hour.
failover: dist/podspan.mjs ## Kill the leader ten times and take the Collector away for two minutes, on the cluster of cluster-up
	@PODSPAN_E2E_KILLS=$${PODSPAN_E2E_KILLS:-10} PODSPAN_E2E_AWAY_SECONDS=$${PODSPAN_E2E_AWAY_SECONDS:-120} \
	  node --test test/e2e/failover.ts

# With a cluster of its own, whose API server writes an audit log.
crowd: dist/podspan.mjs ## Start a thousand pods at once on a real control plane, on nodes of KWOK and on hollow ones, and judge each trace by the API server's audit log
	@node test/cluster/build.ts kwok kubemark
	@PODSPAN_CLUSTER_AUDIT=1 node test/cluster/up.ts
	@code=0; node --test test/e2e/crowd.ts || code=$$?; node test/cluster/down.ts && exit $$code

dashboards: dist/podspan.mjs ## Ask a real Prometheus every query of dashboards and alerts, and a real Jaeger for every recorded start; needs Go, no cluster
	@node test/cluster/build.ts prometheus jaeger
	@node --test test/e2e/dashboards.e2e.test.ts test/e2e/jaeger.e2e.test.ts

scenarios: install ## Run all scenarios on the real cluster and record them anew (ARGS=NAME for one)
	@node test/scenarios/run.ts $(ARGS)

scenarios-karpenter: install ## Run those with real Karpenter, which is built the first time, in minutes
	@node test/cluster/build.ts karpenter kwok
	@node test/scenarios/run.ts node-from-zero node-shared node-limit node-never-registers node-real
	@rm -f $(patsubst %,test/recordings/node-%.truth.json.gz,from-zero shared limit never-registers)

scenarios-volumes: install ## Run those with a real provisioner, the external-attacher and a CSI driver, which are built the first time
	@node test/cluster/build.ts local-path-provisioner external-attacher
	@node test/scenarios/run.ts $(addprefix volume-,waits immediate late fails attach refused held ownership block unmapped)

wild: install ## Draw pods, workloads and disturbances at random on the cluster of cluster-up, and judge what is told of them (ARGS='SEED COUNT [--wilder]')
	@node test/accuracy/wild.ts $(ARGS)

accuracy: install ## Measure boundaries against the components' own spans
	@node test/accuracy/run.ts $(ARGS)

# Without a list, those of test/cluster/versions.ts. Each is built the first time, in 5 to 10 minutes, and then takes half an hour.
versions: dist/podspan.mjs ## Pass the tests against a real cluster and measure accuracy on each Kubernetes version (VERSIONS='1.30.14 1.37.2')
	@bash scripts/install-debian.sh
	@node test/versions/run.ts $(VERSIONS) $(ARGS)

# Tests that compare a file of the repository with what the code gives; they rewrite it where PODSPAN_GOLDEN=write.
GOLDEN_TESTS := test/chart/alert-files.test.ts test/chart/generated.test.ts test/cli/output-forms.test.ts test/cli/reference.test.ts test/cli/session-report.test.ts test/cli/waterfall.test.ts test/controller/documents.test.ts test/dashboards/dashboards.test.ts test/golden.test.ts test/metrics/document.test.ts test/metrics/recordings.test.ts test/rollout/recordings.test.ts test/simulator/starts/measure.test.ts test/cost/cost.test.ts test/versions/evidence.test.ts
GOLDEN := node --test --test-isolation=none --test-reporter=dot $(GOLDEN_TESTS)

# `make test` has bash; the others are not on every machine.
shells: dist/podspan.mjs ## Test completion in bash, zsh and fish, which are installed if need be (Debian, root)
	@command -v zsh >/dev/null && command -v fish >/dev/null || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends zsh fish >/dev/null; }
	@node --test test/cli/completion-shells.test.ts

golden: install ## Rewrite what recordings and pictures should give; look at the difference before committing it
	@PODSPAN_GOLDEN=write $(GOLDEN)
	@git --no-pager diff --stat -- test docs

generate: install ## Write what is generated: the CRD, the chart's copy of it and its README, dashboards, docs/metrics.md
	@node scripts/generate-crd.ts
	@node scripts/generate-chart.ts
	@node scripts/generate-dashboards.ts
	@node scripts/generate-metrics-doc.ts

verify: dist/podspan.mjs ## Fail where a file no longer says what the code does: golden files, references, CRD, chart
	@PODSPAN_GOLDEN=check $(GOLDEN) test/session/crd.test.ts test/chart/generated.test.ts

install.yaml: dist/podspan.mjs $(shell find charts/podspan crds -type f) ## The chart with its default values as one file, for kubectl apply; builds Helm with Go the first time
	@node scripts/install-yaml.ts > $@.new && mv $@.new $@

executables: dist/podspan.mjs ## Single executables for those without Node, with archives, sums and a krew manifest, in dist/executables (ARGS=linux-amd64 for one)
	@node scripts/executables/build.ts $(ARGS)

# Builds each once more and compares, so that it takes some minutes and 2 GB of memory.
executables-test: executables ## Judge all executables, and run the one for ARM under emulation (Debian, root)
	@DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-user osslsigncode \
	  libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross libatomic1-arm64-cross >/dev/null
	@PODSPAN_EXECUTABLES=test PODSPAN_ARM64_ROOT=/usr/aarch64-linux-gnu node --test test/executables/all.test.ts

bench: install ## Measure speed and memory
	@node bench/run.ts $(ARGS)

faults: dist/podspan.mjs ## Disturb the operator in every way that docs/reliability.md names, against the simulator; ten minutes
	@PODSPAN_FAULTS=all node --test --test-concurrency=1 test/simulator/*.process.test.ts

soak: dist/podspan.mjs ## Starts and faults for an hour, and a report (PODSPAN_SOAK_MINUTES, PODSPAN_SOAK_RATE, PODSPAN_SOAK_SEED)
	@node test/simulator/soak.ts

# What is hostile, with a hundred times its cases, each time from another seed, which a failure prints (PODSPAN_PROPERTY_SEED takes it again).
fuzz: install ## Throw everything at decoders, parsers and readers for long (PODSPAN_PROPERTY_RUNS=CASES)
	@PODSPAN_PROPERTY_RUNS=$${PODSPAN_PROPERTY_RUNS:-20000} node --test --test-timeout=3600000 test/hostile/*.test.ts test/decode/contract.test.ts test/properties/garbage.test.ts test/observe/messages.test.ts

# The whole lock, what is for development marked as such: with --omit=dev npm 11 also leaves out what is shipped and used for both.
sbom: install ## Write dist/podspan.cdx.json: what Podspan is made and built of, as CycloneDX
	@mkdir -p dist
	@npm sbom --package-lock-only --sbom-format=cyclonedx --sbom-type=application > dist/podspan.cdx.json
	@node scripts/check-sbom.ts dist/podspan.cdx.json

audit: install ## Ask the registry for known vulnerabilities of what is shipped; says so where the registry does not answer
	@node scripts/audit.ts

clean: ## Remove what was built
	rm -rf dist
