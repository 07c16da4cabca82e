# Cofferdam. `make demo` shows it working, `make test` runs everything that must pass; see README.md.
#
#   make                     build/cofferdam, build/cofferdam-node, build/cofferdam-coordinator
#   make test                unit, property, machine and end-to-end tests; last line: N passed, N failed
#   make check               formatting, lint, layers, banned calls
#   make check-model         the decision rules, searched exhaustively by spin
#   make bench               build/bench/results.json
#   make utility RUNS=20     what differential privacy costs in accuracy, on the data sets in SHARED; draws a figure
#   make coverage            lines and branches of crypto/ and proto/ that unit tests and corpora reach
#   make fuzz SECONDS=60     each fuzz target, so long
#   make soak SECONDS=600    the simulator on new seeds
#   make SANITIZER=address,undefined test      (or thread)
#   make deps                installs what building and running need from Debian's packages
#   make install DESTDIR= PREFIX=/usr/local    programs, manual, completions, systemd units, examples, documents
#   make uninstall DESTDIR= PREFIX=/usr/local
#   make deb                 build/deb/*.deb: cofferdam, cofferdam-node, cofferdam-coordinator

VERSION := 0.1.0
PREFIX ?= /usr/local
SANITIZER ?=
ifeq ($(origin CC),default)
CC := gcc
endif
# Not from the environment: a shell counts its own seconds under that name.
SECONDS := 60

comma := ,
BUILD ?= build$(if $(SANITIZER),/san-$(subst $(comma),-,$(SANITIZER)))
FUZZ_BUILD ?= $(if $(SANITIZER),$(BUILD),$(BUILD)/san-address-undefined)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Werror
# Bit-identical arithmetic: docs/architecture.md says why each of these is here.
FLOAT := -ffp-contract=off -fno-fast-math -fno-math-errno
HARDEN := -fstack-protector-strong -fPIE -fcf-protection $(if $(SANITIZER)$(COVERAGE),,-D_FORTIFY_SOURCE=2)
OPT := $(if $(SANITIZER),-O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZER) -fno-sanitize-recover=all,$(if $(COVERAGE),-O0 --coverage,-O2))
CPPFLAGS += -iquote . -I$(BUILD)/gen -isystem /usr/include/p11-kit-1 -D_GNU_SOURCE -DCOFFERDAM_VERSION='"$(VERSION)"' $(if $(FAILPOINTS),-DFAILPOINTS)
CFLAGS := -std=c17 -g $(OPT) $(WARN) $(FLOAT) $(HARDEN) -pthread
LDFLAGS := -pie -Wl,-z,relro,-z,now $(if $(SANITIZER),-fsanitize=$(SANITIZER)) $(if $(COVERAGE),--coverage) -pthread
# What each part links beyond the parts below it.
LIBS_CRYPTO := -lsodium -lcrypto
LIBS_PROTO := -lprotobuf-c -lcyaml -lyaml -lmpfr -lgmp -ljansson
LIBS_DATA := -lcsv -lz
# For programs that call data/odbc.c; the others carry no database driver manager.
LIBS_ODBC := -lodbc
LIBS_SYS := -lnng -lssl -lcrypto -lsqlite3 -lcyaml -lmicrohttpd -lp11-kit

sources = $(sort $(wildcard $(addsuffix /*.c,$(1))))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

SCHEMA := $(sort $(wildcard proto/schema/*.proto))
# The schema of ONNX is Debian's (libonnx-dev); nothing of its library is linked.
ONNX_SCHEMA := onnx/onnx.proto
GEN := $(patsubst %.proto,$(BUILD)/gen/%.pb-c.c,$(SCHEMA) $(ONNX_SCHEMA))

CRYPTO := $(call objects,$(call sources,crypto crypto/base))
PROTO := $(call objects,$(call sources,proto proto/wire proto/secagg proto/run proto/log proto/audit)) $(SCHEMA:%.proto=$(BUILD)/obj/gen/%.pb-c.o)
DATA := $(call objects,$(call sources,data))
# Sums as expressions, which the analyses build; what writes them as SQL is among what the coordinator does not link.
FORMULAS := $(call objects,data/formula.c data/formula_arithmetic.c)
ANALYTICS := $(call objects,$(call sources,analytics analytics/export analytics/report)) $(BUILD)/obj/gen/onnx/onnx.pb-c.o
# The console's pages are built into the programs.
CONSOLE := $(sort $(wildcard console/*.html console/*.css console/*.js console/*.svg))
SYS := $(call objects,$(call sources,sys)) $(BUILD)/obj/gen/console/assets.o
NODE := $(call objects,$(call sources,node))
COORDINATOR := $(call objects,$(call sources,coordinator))
CLI := $(call objects,$(call sources,cli))
# Everything of the daemons but their main, so that tests and the simulator link it.
TESTLIB := $(call objects,$(call sources,tests/support))
SIM := $(call objects,$(filter-out tests/sim/main.c,$(call sources,tests/sim)))

CHEAT := $(call objects,$(call sources,tests/cheat))

PROGRAMS := $(BUILD)/cofferdam $(BUILD)/cofferdam-node $(BUILD)/cofferdam-coordinator
TEST_PROGRAMS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/test_*.c tests/*/test_*.c)))
FUZZERS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
BENCHES := $(patsubst bench/%.c,$(BUILD)/bench/%,$(sort $(wildcard bench/bench_*.c)))
EXAMPLES := $(patsubst examples/%.c,$(BUILD)/examples/%,$(sort $(wildcard examples/*.c)))

# One short line a file; `make V=1` shows whole commands.
run = $(if $(V),$(2),@printf '%-8s %s\n' '$(1)' '$@'; $(2))

.PHONY: all generated test check check-model coverage bench utility soak fuzz fuzz-replay demo deps install clean format
.DELETE_ON_ERROR:
.SECONDARY:
all: $(PROGRAMS) $(EXAMPLES)

generated: $(GEN)
$(BUILD)/gen/%.pb-c.c: %.proto
	@mkdir -p $(BUILD)/gen
	$(call run,SCHEMA,protoc-c --c_out=$(BUILD)/gen $<)

$(BUILD)/gen/onnx/onnx.pb-c.c:
	@mkdir -p $(BUILD)/gen
	$(call run,SCHEMA,protoc-c --proto_path=/usr/include --c_out=$(BUILD)/gen $(ONNX_SCHEMA))

$(BUILD)/gen/console/assets.c: $(CONSOLE) console/embed.py
	@mkdir -p $(@D)
	$(call run,EMBED,python3 console/embed.py $(CONSOLE) >$@)

$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(CPPFLAGS) -std=c17 -g $(OPT) $(HARDEN) -w -c $< -o $@)

# Generated headers exist before anything that may include them is compiled.
$(BUILD)/obj/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@)

# Kernels whose loops are written to be vectorised (gcc's -O2 leaves most of them alone).
ifeq ($(SANITIZER)$(COVERAGE),)
$(patsubst %,$(BUILD)/obj/analytics/%.o,gram gram_tile logistic_design logistic_sums): CFLAGS += -O3
endif

$(BUILD)/libcrypto_.a: $(CRYPTO)
$(BUILD)/libproto.a: $(PROTO)
$(BUILD)/libdata.a: $(filter-out $(FORMULAS),$(DATA))
$(BUILD)/libanalytics.a: $(ANALYTICS) $(FORMULAS)
$(BUILD)/libsys.a: $(SYS)
$(BUILD)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call run,AR,ar rcs $@ $^)

BASE_ARCHIVES := $(BUILD)/libproto.a $(BUILD)/libsys.a $(BUILD)/libcrypto_.a
# The coordinator links no data source.
COORDINATOR_ARCHIVES := $(BUILD)/libanalytics.a $(BASE_ARCHIVES)
ALL_ARCHIVES := $(BUILD)/libanalytics.a $(BUILD)/libdata.a $(BASE_ARCHIVES)
ALL_LIBS := $(LIBS_DATA) $(LIBS_SYS) $(LIBS_PROTO) $(LIBS_CRYPTO) -lm

group = -Wl,--start-group $(1) -Wl,--end-group
# What ThreadSanitizer is to leave alone in nng, in the programs too; and what failpoints do.
SUPPORT := $(if $(filter thread,$(SANITIZER)),$(call objects,tests/support/tsan.c)) \
           $(if $(FAILPOINTS),$(call objects,tests/support/failpoint.c))

$(BUILD)/cofferdam: $(CLI) $(SUPPORT) $(ALL_ARCHIVES)
	$(call run,LINK,$(CC) $(LDFLAGS) $(CLI) $(SUPPORT) $(call group,$(ALL_ARCHIVES)) $(ALL_LIBS) -o $@)
$(BUILD)/cofferdam-node: $(NODE) $(SUPPORT) $(ALL_ARCHIVES)
	$(call run,LINK,$(CC) $(LDFLAGS) $(NODE) $(SUPPORT) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -o $@)
$(BUILD)/cofferdam-coordinator: $(COORDINATOR) $(SUPPORT) $(COORDINATOR_ARCHIVES)
	$(call run,LINK,$(CC) $(LDFLAGS) $(COORDINATOR) $(SUPPORT) $(call group,$(COORDINATOR_ARCHIVES)) $(LIBS_SYS) $(LIBS_PROTO) $(LIBS_CRYPTO) -lm -o $@)

# Parts of the programs that tests and benches drive directly (each program's main.c stays out).
PARTS := $(filter-out %/main.o,$(NODE) $(COORDINATOR) $(CLI))
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(TESTLIB) $(PARTS) $(ALL_ARCHIVES)
	@mkdir -p $(@D)
	$(call run,LINK,$(CC) $(LDFLAGS) $(filter %.o,$^) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -lcmocka -o $@)
# What makes memory, files and disks fail stands in front of the C library's functions, so it is in these programs alone.
FAULTS := $(call objects,$(filter-out tests/faults/test_%,$(call sources,tests/faults)))
$(filter $(BUILD)/tests/faults/%,$(TEST_PROGRAMS)): $(FAULTS)
$(BUILD)/sim: $(BUILD)/obj/tests/sim/main.o $(SIM) $(TESTLIB) $(PARTS) $(ALL_ARCHIVES)
	$(call run,LINK,$(CC) $(LDFLAGS) $(filter %.o,$^) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -lcmocka -o $@)
# The simulator with one planted fault (tests/sim/mutants.py): the changed file stands before the archive that has it.
$(BUILD)/mutants/%: $(BUILD)/mutants/%.c $(BUILD)/sim
	$(call run,MUTANT,$(CC) $(CPPFLAGS) $(CFLAGS) -w $(LDFLAGS) $< $(BUILD)/obj/tests/sim/main.o $(SIM) $(TESTLIB) $(PARTS) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -lcmocka -o $@)
# A coordinator that cheats: what comes in and what goes out pass by tests/cheat.
$(BUILD)/cheat: $(CHEAT) $(COORDINATOR) $(SUPPORT) $(COORDINATOR_ARCHIVES)
	$(call run,LINK,$(CC) $(LDFLAGS) -Wl$(comma)--wrap=asks_dispatch$(comma)--wrap=transport_server_reply $(filter %.o,$^) $(call group,$(COORDINATOR_ARCHIVES)) $(LIBS_SYS) $(LIBS_PROTO) $(LIBS_CRYPTO) -lm -o $@)
# The daemons at other versions of the protocol, OLDEST-NEWEST (tests/e2e/versions.sh): one object, which stands before
# the archive that has it, is another.
OTHER_VERSIONS := $(foreach range,1-1 3-4,$(BUILD)/protocol/$(range)/cofferdam-node $(BUILD)/protocol/$(range)/cofferdam-coordinator)
SPOKEN := crypto/base/protocol_spoken.c
$(BUILD)/protocol/%/spoken.o: $(SPOKEN) crypto/base/protocol.h
	@mkdir -p $(@D)
	$(call run,CC,$(CC) $(CPPFLAGS) $(CFLAGS) -DPROTOCOL_OLDEST=$(firstword $(subst -, ,$*)) -DPROTOCOL_NEWEST=$(lastword $(subst -, ,$*)) -c $< -o $@)
$(BUILD)/protocol/%/cofferdam-node: $(BUILD)/protocol/%/spoken.o $(NODE) $(SUPPORT) $(ALL_ARCHIVES)
	$(call run,LINK,$(CC) $(LDFLAGS) $< $(NODE) $(SUPPORT) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -o $@)
$(BUILD)/protocol/%/cofferdam-coordinator: $(BUILD)/protocol/%/spoken.o $(COORDINATOR) $(SUPPORT) $(COORDINATOR_ARCHIVES)
	$(call run,LINK,$(CC) $(LDFLAGS) $< $(COORDINATOR) $(SUPPORT) $(call group,$(COORDINATOR_ARCHIVES)) $(LIBS_SYS) $(LIBS_PROTO) $(LIBS_CRYPTO) -lm -o $@)
# Messages and databases of this version, for the tests of later ones (tests/golden); and the calendar of then.
.PHONY: golden
golden: all $(BUILD)/tests/golden/test_messages
	BUILD=$(BUILD) tests/golden/make
$(BUILD)/past.so: tests/golden/past.c
	$(call run,LINK,$(CC) -D_GNU_SOURCE -std=c17 -O2 $(WARN) -fPIC -shared $< -o $@)
# What valgrind looks at, for branches and addresses that depend on secrets.
$(BUILD)/constant_time: $(BUILD)/obj/tests/constant_time/main.o $(BUILD)/libcrypto_.a
	$(call run,LINK,$(CC) $(LDFLAGS) $^ $(LIBS_CRYPTO) -o $@)
# A member that misbehaves at the coordinator's door.
$(BUILD)/rogue: $(BUILD)/obj/tests/rogue/main.o $(PARTS) $(ALL_ARCHIVES)
	$(call run,LINK,$(CC) $(LDFLAGS) $(filter %.o,$^) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -o $@)
$(BUILD)/bench/%: $(BUILD)/obj/bench/%.o $(BUILD)/obj/bench/bench.o $(TESTLIB) $(PARTS) $(ALL_ARCHIVES)
	@mkdir -p $(@D)
	$(call run,LINK,$(CC) $(LDFLAGS) $< $(BUILD)/obj/bench/bench.o $(TESTLIB) $(PARTS) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -lopenblas -lcmocka -o $@)
$(BUILD)/examples/%: $(BUILD)/obj/examples/%.o $(BUILD)/libcrypto_.a
	@mkdir -p $(@D)
	$(call run,LINK,$(CC) $(LDFLAGS) $^ $(LIBS_CRYPTO) -lm -o $@)

# A fuzz target replays its corpus and bounded mutations with our driver, or runs under libFuzzer (make fuzz).
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/driver.o $(TESTLIB) $(PARTS) $(ALL_ARCHIVES)
	@mkdir -p $(@D)
	$(call run,LINK,$(CC) $(LDFLAGS) $< $(BUILD)/obj/tests/fuzz/driver.o $(TESTLIB) $(PARTS) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -lcmocka -o $@)

# The fuzz targets always run under AddressSanitizer; ThreadSanitizer has nothing to see in them.
test: $(PROGRAMS) $(EXAMPLES) $(TEST_PROGRAMS) $(BUILD)/sim $(BUILD)/cheat $(BUILD)/rogue $(BUILD)/constant_time $(OTHER_VERSIONS) $(BUILD)/past.so failpoints
	@$(if $(filter thread,$(SANITIZER)),,$(MAKE) BUILD=$(FUZZ_BUILD) SANITIZER=$(or $(SANITIZER),address$(comma)undefined) fuzzers)
	@BUILD=$(BUILD) FUZZ_BUILD=$(if $(filter thread,$(SANITIZER)),,$(FUZZ_BUILD)) tests/run

# The daemons with points at which they can be told to die (crypto/base/failpoint.h), for tests/e2e.
.PHONY: failpoints daemons kill-loop
failpoints:
	@$(MAKE) BUILD=$(BUILD)/failpoints FAILPOINTS=1 daemons
daemons: $(BUILD)/cofferdam-node $(BUILD)/cofferdam-coordinator
# Each point at each of these passes, at every bank: minutes.
KILL_COUNTS ?= 1 2 3 5
kill-loop: all failpoints
	BUILD=$(BUILD) VERBOSE=1 KILL_COUNTS="$(KILL_COUNTS)" tests/e2e/kill_points.sh

.PHONY: test-programs fuzzers libfuzzer-targets
test-programs: $(PROGRAMS) $(EXAMPLES) $(TEST_PROGRAMS)
fuzzers: $(FUZZERS)
# Built by tests/fuzz/run, in a build directory of its own, with libFuzzer's main.
LIBFUZZER := $(patsubst tests/fuzz/%.c,$(BUILD)/libfuzzer/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
libfuzzer-targets: $(LIBFUZZER)
$(BUILD)/libfuzzer/%: $(BUILD)/obj/tests/fuzz/%.o $(TESTLIB) $(PARTS) $(ALL_ARCHIVES)
	@mkdir -p $(@D)
	$(call run,LINK,$(CC) $(LDFLAGS) -fsanitize=fuzzer $< $(TESTLIB) $(PARTS) $(call group,$(ALL_ARCHIVES)) $(LIBS_ODBC) $(ALL_LIBS) -lcmocka -o $@)

fuzz:
	CC=clang tests/fuzz/run $(SECONDS)

# The decisions of a round, as a model that spin searches.
check-model:
	tests/model/run

coverage:
	tests/check/coverage

# Seeds that no run before has seen; SECONDS= how long.
soak: $(BUILD)/sim
	$(BUILD)/sim --seeds $(or $(SEED),$(shell date +%s)) --seconds $(SECONDS)

check:
	CC=$(CC) tests/check/run

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

bench: $(PROGRAMS) $(BENCHES)
	BUILD=$(BUILD) bench/run

RUNS ?= 20
SHARED ?= ../shared/data
utility: $(BUILD)/cofferdam
	BUILD=$(BUILD) bench/utility.py --runs $(RUNS) --shared $(SHARED) --figure docs/figures/utility.svg

demo:
	examples/demo

deps:
	tests/check/deps

# What is said of the programs elsewhere is made from what they say themselves.
.PHONY: manual uninstall deb version
version:
	@echo $(VERSION)
INSTALL_SCRIPTS := $(wildcard install/*.py)
SECTION_1 := cofferdam.1 cofferdam-node.1 cofferdam-coordinator.1
SECTION_5 := cofferdam-node.yaml.5 cofferdam-coordinator.yaml.5 cofferdam-policy.yaml.5 cofferdam-plan.5
# The day a version is of: the last commit's, or what the packager says.
DATE = $(shell date -u -d @$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || date +%s)} +%Y-%m-%d)
manual: $(BUILD)/manual/made
$(BUILD)/manual/made: $(PROGRAMS) $(INSTALL_SCRIPTS) docs/operators.md docs/plan.md
	@rm -rf $(@D)
	@mkdir -p $(@D)
	$(call run,MANUAL,python3 -B install/manual.py $(BUILD) $(@D) $(VERSION) $(DATE))
	@python3 -B install/completion.py $(BUILD) $(@D)/completions
	@touch $@

# Directories below PREFIX. Debian has a place of its own for what packages bring to zsh, and one for units.
BINDIR := $(PREFIX)/bin
MANDIR := $(PREFIX)/share/man
BASHDIR := $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR := $(PREFIX)/lib/sysusers.d
DOCDIR := $(PREFIX)/share/doc/cofferdam
DOCUMENTS := README.md $(wildcard docs/*.md docs/figures/*)
EXAMPLE_FILES := $(wildcard examples/*.md examples/*.yaml examples/*/*.yaml examples/*/*.yml)
UNITS := cofferdam-node cofferdam-coordinator
INSTALLED := $(foreach program,$(notdir $(PROGRAMS)),$(BINDIR)/$(program) $(BASHDIR)/$(program) $(ZSHDIR)/_$(program)) \
             $(SECTION_1:%=$(MANDIR)/man1/%) $(SECTION_5:%=$(MANDIR)/man5/%) \
             $(UNITS:%=$(UNITDIR)/%.service) $(UNITS:%=$(SYSUSERSDIR)/%.conf)

install: all $(BUILD)/manual/made
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(MANDIR)/man1 $(MANDIR)/man5 $(BASHDIR) $(ZSHDIR) $(UNITDIR) $(SYSUSERSDIR))
	install -m 755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	install -m 644 $(SECTION_1:%=$(BUILD)/manual/%) $(DESTDIR)$(MANDIR)/man1
	install -m 644 $(SECTION_5:%=$(BUILD)/manual/%) $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(BUILD)/manual/completions/bash/* $(DESTDIR)$(BASHDIR)
	install -m 644 $(BUILD)/manual/completions/zsh/* $(DESTDIR)$(ZSHDIR)
	install -m 644 install/sysusers/*.conf $(DESTDIR)$(SYSUSERSDIR)
	for unit in $(UNITS); do \
	    sed 's|@bindir@|$(BINDIR)|' install/systemd/$$unit.service >$(DESTDIR)$(UNITDIR)/$$unit.service && \
	    chmod 644 $(DESTDIR)$(UNITDIR)/$$unit.service || exit 1; done
	for file in $(DOCUMENTS) $(EXAMPLE_FILES); do \
	    install -D -m 644 $$file $(DESTDIR)$(DOCDIR)/$$file || exit 1; done
	python3 -B install/links.py $(DESTDIR)$(DOCDIR)

# Programs and what describes them. Configuration, keys and state were never installed, and stay.
uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	rm -rf $(DESTDIR)$(DOCDIR)

# Debian packages, from a copy of the sources. The packages' version is this file's: the changelog is written here. Needs
# debhelper; lintian, where it is installed, must find nothing.
DEB := build/deb
deb:
	rm -rf $(DEB)
	mkdir -p $(DEB)/cofferdam-$(VERSION)
	git ls-files -z | xargs -0 cp --parents -t $(DEB)/cofferdam-$(VERSION)
	printf '%s\n\n  * Version %s.\n\n -- %s  %s\n' 'cofferdam ($(VERSION)) unstable; urgency=medium' '$(VERSION)' \
	    "$$(sed -n 's/^Maintainer: //p' debian/control)" "$$(date -u -R -d '$(DATE)')" \
	    >$(DEB)/cofferdam-$(VERSION)/debian/changelog
	cd $(DEB)/cofferdam-$(VERSION) && unset MAKEFLAGS MAKELEVEL MFLAGS && dpkg-buildpackage -b -us -uc -j$$(nproc)
	rm -rf $(DEB)/cofferdam-$(VERSION)
	if command -v lintian >/dev/null; then lintian --fail-on error,warning --tag-display-limit 0 $(DEB)/*.changes; fi
	tests/deb/run $(DEB) $(VERSION)

clean:
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
