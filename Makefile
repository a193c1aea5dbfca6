# kiln. GNU make 4.3 or newer. `make help` lists the targets; `./dev WORD` installs what is missing
# first, then calls `make WORD`.
#
# Variants live in folders of their own: make B=build/san SAN=1, make CC=clang B=build/clang.

VERSION := 0.1.0
B       := build
PREFIX  := /usr/local
DESTDIR :=
JOBS    := $(shell nproc)

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
  MAKEFLAGS += -j$(JOBS)
endif
# make V=1 shows the commands.
ifndef V
Q := @
say = @printf '  %-5s %s\n' '$(1)' '$@'
endif
.SUFFIXES:
.DELETE_ON_ERROR:

# ---- what there is ----

LAYERS := $(shell sed -n 's/^\([a-z]*\):.*/\1/p' tools/layers)
SOURCES := $(wildcard $(LAYERS:%=src/%/*.c))
HEADERS := $(wildcard $(LAYERS:%=src/%/*.h))
EMBED := $(sort $(wildcard stacks/*.yaml data/*.* data/*/*.*))
UNIT := $(wildcard test/unit/*/test_*.c)
FUZZ := $(wildcard fuzz/fuzz_*.c)
BENCH_BINS = $(patsubst %.c,$(B)/%,$(wildcard bench/*.c))

# ---- flags ----

PACKAGES := libcurl libmicrohttpd jansson yaml-0.1 libseccomp libarchive libcrypto libgit2
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla \
    -Wundef -Wwrite-strings -Wcast-qual -Wnull-dereference -Wno-unused-parameter -Wno-missing-field-initializers \
    -Werror
GCC_WARNINGS := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wimplicit-fallthrough=3
HARDENING := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
ifeq ($(shell uname -m),x86_64)
  HARDENING += -fcf-protection=full
endif
ifneq ($(findstring clang,$(CC)),clang)
  WARNINGS += $(GCC_WARNINGS)
  HARDENING += -ftrivial-auto-var-init=zero
endif

CFLAGS := -O2 -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DKILN_VERSION='"$(VERSION)"' \
    -Isrc -I$(B)/gen -include base/banned.h -fPIE -pthread $(WARNINGS) $(PKG_CFLAGS) $(CFLAGS) \
    $(MODE_CFLAGS)
ALL_LDFLAGS = -pie -pthread -Wl,--as-needed -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS) \
    $(MODE_CFLAGS) $(MODE_LDFLAGS)

ifdef SAN
  MODE_CFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
      -fno-omit-frame-pointer
  MODE_LDFLAGS := -Wl,-u,__asan_default_options,-u,__ubsan_default_options
else ifdef FUZZING
  MODE_CFLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
      -fno-omit-frame-pointer
else ifdef COV
  MODE_CFLAGS := --coverage -fprofile-update=atomic -O0
else ifdef ANALYZE
  # -O0 as its manual advises. Leaks are for LeakSanitizer: gcc 12 loses sight of what is kept in
  # a structure.
  MODE_CFLAGS := -O0 -DKILN_ANALYZE -fanalyzer -Wno-analyzer-malloc-leak
else
  MODE_CFLAGS := $(HARDENING)
endif

# ---- generated sources ----

# Tables of the files that follow a naming rule, so that adding a command, a report parser or an
# engine is adding one file: $(B)/gen/cli_cmd_list.h holds "X(run)" for src/cli/cmd_run.c.
#   $(call list,layer,prefix)
LISTS :=
define list
LISTS += $(B)/gen/$(1)_$(2)_list.h
$(B)/gen/$(1)_$(2)_list.h: $(wildcard src/$(1)/$(2)_*.c) src/$(1)
	@mkdir -p $$(@D)
	@for name in $$(sort $$(patsubst src/$(1)/$(2)_%.c,%,$$(wildcard src/$(1)/$(2)_*.c))); do \
	    echo "X($$$$name)"; done >$$@.new
	@cmp -s $$@.new $$@ && rm $$@.new || mv $$@.new $$@
endef
$(eval $(call list,cli,cmd))
$(eval $(call list,check,report))
$(eval $(call list,engine,engine))
$(eval $(call list,sandbox,kind))

$(B)/gen/embed.S: tools/embed $(EMBED) $(sort $(dir $(EMBED)))
	@mkdir -p $(@D)
	$(Q)tools/embed $(EMBED) >$@

$(B)/gen/embed.o: $(B)/gen/embed.S $(EMBED)
	$(call say,AS)
	$(Q)$(CC) -c $< -o $@

# ---- objects, a library a layer, the program ----

OBJECTS := $(SOURCES:src/%.c=$(B)/obj/%.o)
LIBS := $(LAYERS:%=$(B)/lib/%.a)

$(B)/obj/%.o: src/%.c Makefile | $(LISTS)
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

define library
$(B)/lib/$(1).a: $(filter $(B)/obj/$(1)/%,$(OBJECTS)) src/$(1)
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach l,$(LAYERS),$(eval $(call library,$(l))))

# What a layer's test links with: its own library and those below it, highest first.
below = $(shell sed -n 's/^$(1): *//p' tools/layers)
reverse = $(if $(1),$(call reverse,$(wordlist 2,99,$(1))) $(firstword $(1)))
libs_of = $(patsubst %,$(B)/lib/%.a,$(1) $(call reverse,$(call below,$(1))))
LINK_LIBS = -lm $(PKG_LIBS)

$(B)/kiln: $(filter $(B)/obj/cli/%,$(OBJECTS)) $(LIBS) $(B)/gen/embed.o
	$(call say,LINK)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(call reverse,$(filter-out %/cli.a,$(LIBS))) \
	    $(LINK_LIBS)

-include $(OBJECTS:.o=.d)

# ---- tests ----

define unit_test
UNIT_BINS += $(B)/test/$(1)
$(B)/test/$(1): test/unit/$(1).c $(call libs_of,$(patsubst %/,%,$(dir $(1)))) $(B)/gen/embed.o
	@mkdir -p $$(@D)
	$$(call say,TEST)
	$(Q)$$(CC) $$(ALL_CFLAGS) -Itest -MMD -MP $$(ALL_LDFLAGS) -o $$@ $$(filter %.c %.o %.a,$$^) \
	    -lcmocka $$(LINK_LIBS)
-include $(B)/test/$(1).d
endef
UNIT_BINS :=
$(foreach t,$(UNIT:test/unit/%.c=%),$(eval $(call unit_test,$(t))))

END_TO_END := $(sort $(patsubst %/,%,$(dir $(wildcard test/*/test_*.py))))

.PHONY: all programs test test-unit test-one
all: $(B)/kiln ## the program, build/kiln

programs: $(B)/kiln $(UNIT_BINS) $(BENCH_BINS) ## that, the unit tests and the benchmarks

test: ## all tests, of the normal program and of the one with sanitizers
	+tools/test-variants "normal: B=$(B)" "sanitized: B=$(B)/san SAN=1"

test-one: $(B)/kiln $(UNIT_BINS) ## all tests of one variant: make test-one B=build/san SAN=1
	tools/test --kiln $(B)/kiln $(if $(COUNTS),--counts $(COUNTS)) $(UNIT_BINS) $(END_TO_END)

test-unit: $(UNIT_BINS) ## the unit tests of one variant
	tools/test $(UNIT_BINS)

# ---- fuzzing ----

FUZZ_SECONDS := 10

layer_of = $(shell sed -n '1s/.*layer: *\([a-z]*\).*/\1/p' fuzz/$(1).c)
define fuzz_target
FUZZ_BINS += $(B)/fuzz/$(1)
$(B)/fuzz/$(1): fuzz/$(1).c $(call libs_of,$(call layer_of,$(1))) $(B)/gen/embed.o
	@mkdir -p $$(@D)
	$$(call say,FUZZ)
	$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.c %.o %.a,$$^) \
	    $$(LINK_LIBS)
endef
FUZZ_BINS :=
$(foreach f,$(FUZZ:fuzz/%.c=%),$(eval $(call fuzz_target,$(f))))

.PHONY: fuzz fuzz-one
fuzz: ## every fuzz target for FUZZ_SECONDS (10)
	$(MAKE) CC=clang FUZZING=1 B=$(B)/fuzzing fuzz-one

fuzz-one: $(FUZZ_BINS)
	tools/fuzz --seconds $(FUZZ_SECONDS) --work $(B)/found $(FUZZ_BINS)

# ---- analysis ----

# Each of these leaves a stamp for a file that is well, so that a second run is quick.
$(B)/header/%: src/% $(HEADERS) | $(LISTS)
	@mkdir -p $(@D)
	$(call say,HEAD)
	$(Q)$(CC) $(filter-out -include base/banned.h,$(ALL_CFLAGS)) -fsyntax-only -x c $< && touch $@

$(B)/tidy/%: src/% $(HEADERS) .clang-tidy | $(LISTS)
	@mkdir -p $(@D)
	$(call say,TIDY)
	$(Q)clang-tidy --quiet $< -- $(ALL_CFLAGS) -DKILN_ANALYZE 2>$@.log && touch $@ || { cat $@.log; false; }

# Uninitialised variables are for the compilers, which follow pointers to them.
CPPCHECK_OFF := missingIncludeSystem uninitvar legacyUninitvar
$(B)/cppcheck/%: src/% $(HEADERS) tools/cppcheck.cfg | $(LISTS)
	@mkdir -p $(@D)
	$(call say,CPPC)
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
	    --inline-suppr --library=tools/cppcheck.cfg $(CPPCHECK_OFF:%=--suppress=%) \
	    -Isrc -I$(B)/gen $< && touch $@

.PHONY: lint objects headers tidy cppcheck
lint: ## formatting, layers, headers, analysers, scripts, man pages
	+tools/lint

objects: $(OBJECTS)
headers: $(HEADERS:src/%=$(B)/header/%)
tidy: $(SOURCES:src/%=$(B)/tidy/%)
cppcheck: $(SOURCES:src/%=$(B)/cppcheck/%)

.PHONY: coverage
coverage: ## which lines of src/ the tests run
	-+tools/test-variants "coverage: B=$(B)/cov COV=1"
	tools/coverage $(B)/cov/obj

# ---- installation ----

DIST := $(B)/kiln-$(VERSION).tar.gz
MAN := $(wildcard man/*.[1-8])
man_path = $(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(1)))/$(notdir $(1))

.PHONY: install uninstall dist
install: $(B)/kiln ## the program and its man pages, below DESTDIR and PREFIX
	install -D -m 755 $(B)/kiln $(DESTDIR)$(PREFIX)/bin/kiln
	$(foreach m,$(MAN),install -D -m 644 $(m) $(call man_path,$(m)) &&) true

uninstall: ## removes what install puts there
	rm -f $(DESTDIR)$(PREFIX)/bin/kiln $(foreach m,$(MAN),$(call man_path,$(m)))

# The same commit gives the same bytes: git archive takes its times from the commit.
dist: ## a source tarball of HEAD
	@mkdir -p $(B)
	git archive --format=tar --prefix=kiln-$(VERSION)/ HEAD | gzip -9n >$(DIST)
	@sha256sum $(DIST)

# ---- the rest ----

.PHONY: demo bench deps clean help
demo: $(B)/kiln ## turns specifications into tested code, offline, in a minute
	tools/demo $(B)/kiln

bench: $(B)/kiln $(BENCH_BINS) ## measures and prints
	bench/run $(B)/kiln

$(B)/bench/%: bench/%.c $(call libs_of,sandbox) $(B)/gen/embed.o
	@mkdir -p $(@D)
	$(call say,BENCH)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c %.o %.a,$^) $(LINK_LIBS)

deps: ## what building and testing need
	@./dev --list

clean: ## removes build/
	rm -rf build

help: ## this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14
