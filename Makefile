# tokenvigil: `make` lists what there is.

PREFIX = /usr
SYSCONFDIR = /etc
DESTDIR =
# The program that is installed and packed.
BINARY = .build/release/tokenvigil
# Debian releases that `make test-system` boots.
RELEASES = bookworm trixie
# Small and quick to start: no Swift runtime on the target, identical code folded, packed relocations, no symbols; and
# addresses of functions that cannot be overwritten.
RELEASE = -c release --product tokenvigil --static-swift-stdlib -Xswiftc -use-ld=lld \
	-Xlinker --no-export-dynamic -Xlinker --icf=all -Xlinker -z -Xlinker pack-relative-relocs \
	-Xlinker -z -Xlinker now -Xlinker -s

.PHONY: help run test test-crash test-crowd test-front-ends test-host-faults test-hostile test-wide test-mutations test-real fuzz build check check-format format bench bench-core manual install deb test-system clean

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

test-real: ## play the story with real servers on loopback, installed from PyPI: Synapse, Django, JupyterHub; and with front ends in the way (optional)
	@.ci/setup test
	@.ci/setup front-ends
	@swift build --product tokenvigil
	@Tests/RealServers/test-real
	@Tests/RealServers/test-obstacles

test-front-ends: ## put real servers between it and the API: HAProxy, nginx, Apache, Caddy, Squid and others from Debian
	@.ci/setup front-ends
	@swift build --product tokenvigil
	@Tests/FrontEnds/test-front-ends

# How often `make test-crash` kills it on a sound disk, how many behaviours `make test-hostile` makes up (60), and the choices of another run to repeat.
ROUNDS = 200
SEED =

test-crash: ## kill it hundreds of times while receivers and disks fail; ROUNDS=5000 for longer, SEED=N to repeat
	@.ci/setup test
	@swift build --product tokenvigil
	@TOKENVIGIL_CRASH_ROUNDS=$(ROUNDS) TOKENVIGIL_CRASH_SEED=$(SEED) Tests/Crash/test-crash

# all, or a part of a behaviour's name; without it, each behaviour on one way in some two minutes.
HOSTILE =

test-hostile: ## set peers on it that do everything wrong; HOSTILE=all ROUNDS=2000 for longer, SEED=N to repeat
	@.ci/setup test
	@swift build --product tokenvigil
	@HOSTILE="$(HOSTILE)" ROUNDS=$(if $(filter file,$(origin ROUNDS)),60,$(ROUNDS)) SEED=$(SEED) Tests/Hostile/test-hostile

# all, or a part of a row's name; without it, some rows in some 80 seconds.
FAULTS =

test-host-faults: ## have calls of the host fail under it, one after the other; FAULTS=all for all of them, SEED=N to repeat
	@.ci/setup test
	@swift build --product tokenvigil
	@FAULTS="$(FAULTS)" SEED=$(SEED) Tests/HostFaults/test-host-faults

# How many healthy tokens `make test-crowd` has watched beside each scenario.
CROWD = 5000

test-crowd: ## play every scenario beside 5,000 healthy tokens (some two hours); CROWD=500 for fewer
	@.ci/setup test
	@Tests/Crowd/run $(CROWD)

# How many hosts `make test-wide` plays.
HOSTS = 3000

test-wide: ## watch a token at each of 3,000 hosts, of which some hang, refuse or answer oddly; HOSTS=300 for fewer
	@.ci/setup test
	@swift build --product tokenvigil
	@Tests/Wide/test-wide $(HOSTS)

test-mutations: ## change each row of the table of verdicts, and show that a test notices
	@Tests/Mutations/run

FUZZING = swift build -c release --package-path Tests/Fuzzing --scratch-path .build/fuzzing --sanitize=fuzzer \
	-Xswiftc -use-ld=lld
# Inputs for each of the three targets.
FUZZ_RUNS = 1000000

fuzz: ## throw a million odd heads and bodies, answers and configurations at what reads them (some 20 minutes)
	@$(FUZZING) --product FuzzAnswer
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

# Where `make bench` keeps its numbers. BENCH_TOKENS="1 1000" and BENCH_SECONDS=20 make it shorter; see Benchmarks/run.
BENCH_JSON = .build/bench.json

bench: build ## measure it beside Monit and a multiplexed curl, from 1 to 100,000 tokens (some 50 minutes)
	@.ci/setup bench
	@Benchmarks/run --json $(BENCH_JSON)

bench-core: ## count the instructions of the pure core, and compare them with those stored
	@.ci/setup bench
	@swift build -c release --package-path Benchmarks/Core --scratch-path .build/core --product CoreCost
	@Benchmarks/core

# Is there something to install, and what does it know of itself: man pages and completions.
manual:
	@test -x $(BINARY) || { echo "tokenvigil: there is no $(BINARY) yet: make build"; exit 1; }
	@packaging/manual/build $(BINARY) .build/manual

install: manual ## install what `make build` made, below DESTDIR and PREFIX
	install -D -m 0755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/tokenvigil
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in systemd/*.service systemd/*.socket; do \
		sed 's|/usr/bin/tokenvigil|$(PREFIX)/bin/tokenvigil|' "$$unit" \
			>$(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} && \
		chmod 0644 $(DESTDIR)$(PREFIX)/lib/systemd/system/$${unit##*/} || exit 1; done
	install -D -m 0644 systemd/tokenvigil.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/tokenvigil.conf
	install -D -m 0644 systemd/tokenvigil.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/tokenvigil.conf
	install -D -m 0644 systemd/tokenvigil.catalog $(DESTDIR)$(PREFIX)/lib/systemd/catalog/tokenvigil.catalog
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man1 .build/manual/tokenvigil.1
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/man/man5 .build/manual/tokenvigil.yaml.5 \
		.build/manual/tokenvigil-providers.5
	install -D -m 0644 .build/manual/tokenvigil.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tokenvigil
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions .build/manual/_tokenvigil
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d .build/manual/tokenvigil.fish
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/tokenvigil README.md config/tokenvigil.yaml
	install -d $(DESTDIR)$(PREFIX)/share/doc/tokenvigil/config
	ln -sf ../tokenvigil.yaml $(DESTDIR)$(PREFIX)/share/doc/tokenvigil/config/tokenvigil.yaml
	install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/tokenvigil/docs docs/*.md docs/*.json docs/*.svg
	for tool in icinga munin prometheus zabbix; do \
		install -D -m 0644 -t $(DESTDIR)$(PREFIX)/share/doc/tokenvigil/docs/$$tool docs/$$tool/* || exit 1; done
	# Never over what an administrator has written.
	test -e $(DESTDIR)$(SYSCONFDIR)/tokenvigil/tokenvigil.yaml || install -D -m 0644 \
		Sources/VigilConfiguration/Resources/starter.yaml $(DESTDIR)$(SYSCONFDIR)/tokenvigil/tokenvigil.yaml
	@test -n "$(DESTDIR)" || echo "tokenvigil: installed. Now, as root: systemd-sysusers &&" \
		"systemd-tmpfiles --create tokenvigil.conf && journalctl --update-catalog && systemctl daemon-reload"

deb: ## make the Debian package, in .build/deb; needs what `make build` made
	@.ci/setup deb
	@test -x $(BINARY) || { echo "tokenvigil: there is no $(BINARY) yet: make build"; exit 1; }
	@packaging/make-deb $(BINARY) $(VERSION)

test-system: ## install the package on a booted Debian and prove all of it; root, RELEASES="bookworm trixie"
	@.ci/setup system
	@Tests/Machine/run $(RELEASES)

clean: ## remove what was built; the sources of the dependencies stay
	swift package clean
