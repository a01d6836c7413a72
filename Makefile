# tokenvigil: `make` lists what there is.

PREFIX = /usr
DESTDIR =
# Small and quick to start: no Swift runtime on the target, identical code folded, packed relocations, no symbols.
RELEASE = -c release --product tokenvigil --static-swift-stdlib -Xswiftc -use-ld=lld \
	-Xlinker --no-export-dynamic -Xlinker --icf=all -Xlinker -z -Xlinker pack-relative-relocs -Xlinker -s

.PHONY: help run test test-mutations test-real fuzz build check check-format format bench install clean

help: ## list the targets
	@echo "tokenvigil watches API tokens and tells people when one stops working."
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

run: ## build it and play the whole story: a token dies, the alert, the repair
	@echo "tokenvigil: building it, then the demo (the first build takes some minutes, the demo under one)"
	@.ci/setup run
	@swift build --product tokenvigil
	@.ci/demo

test: ## run all tests, against a real journal too when you are root
	@echo "tokenvigil: all tests (the first build takes some minutes)"
	@.ci/setup test
	@.ci/test

test-real: ## play the story with real servers on loopback, installed from PyPI: Synapse, Django, JupyterHub (optional)
	@.ci/setup test
	@swift build --product tokenvigil
	@Tests/RealServers/test-real

test-mutations: ## change each row of the table of verdicts, and show that a test notices
	@Tests/Mutations/run

FUZZING = swift build -c release --package-path Tests/Fuzzing --scratch-path .build/fuzzing --sanitize=fuzzer \
	-Xswiftc -use-ld=lld
# Inputs for each of the two targets.
FUZZ_RUNS = 1000000

fuzz: ## throw a million odd answers and a million odd configurations at the decision code (some 20 minutes)
	@$(FUZZING) --product FuzzVerdict
	@$(FUZZING) --product FuzzProvider
	@Tests/Fuzzing/run $(FUZZ_RUNS)

build: ## build the program for release, in .build/release
	@echo "tokenvigil: building for release (the first time takes up to 20 minutes)"
	@.ci/setup build
	@swift build $(RELEASE)

check: check-format ## run the checks that need no build
	@.ci/setup test
	@.ci/check-purity
	@.ci/check-tests
	@.ci/check-units
	@.ci/check-selftest

check-format:
	@swift format lint -s -r Sources Tests Package.swift

format: ## lay out the source as .swift-format says
	@swift format -i -r Sources Tests Package.swift

bench: build ## measure CPU, memory, start-up and size beside a multiplexed curl
	@.ci/setup bench
	@Benchmarks/run

install: ## install what `make build` made, below DESTDIR and PREFIX
	@test -x .build/release/tokenvigil || { echo "tokenvigil: nothing to install yet: make build"; exit 1; }
	install -D -m 0755 .build/release/tokenvigil $(DESTDIR)$(PREFIX)/bin/tokenvigil
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/bin/tokenvigil|$(PREFIX)/bin/tokenvigil|' systemd/tokenvigil.service \
		> $(DESTDIR)$(PREFIX)/lib/systemd/system/tokenvigil.service
	chmod 0644 $(DESTDIR)$(PREFIX)/lib/systemd/system/tokenvigil.service
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system/tokenvigil.service.d systemd/tokenvigil.service.d/*.example
	install -D -m 0644 systemd/tokenvigil.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/tokenvigil.conf
	install -D -m 0644 systemd/tokenvigil.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/tokenvigil.conf
	install -D -m 0644 systemd/tokenvigil.catalog $(DESTDIR)$(PREFIX)/lib/systemd/catalog/tokenvigil.catalog
	install -d $(DESTDIR)$(PREFIX)/share/doc/tokenvigil
	for file in README.md config/tokenvigil.yaml; do \
		test ! -e $$file || install -m 0644 $$file $(DESTDIR)$(PREFIX)/share/doc/tokenvigil/; done
	@echo "tokenvigil: installed. As root: systemd-sysusers && systemd-tmpfiles --create tokenvigil.conf &&"
	@echo "  journalctl --update-catalog && systemctl daemon-reload"

clean: ## remove what was built; the sources of the dependencies stay
	swift package clean
