# kiln. GNU make 4.3 or newer. `make help` lists the targets; `./dev WORD` installs what is missing
# first, then calls `make WORD`.
#
# Variants live in folders of their own: make B=build/asan SAN=1, make CC=clang B=build/clang.

VERSION := 0.1.0
B       := build
PREFIX  := /usr/local
DESTDIR :=
JOBS    := $(shell nproc)

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
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

# ---- flags ----

PACKAGES := libcurl libmicrohttpd jansson yaml-0.1 libseccomp libarchive libcrypto libgit2
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla \
    -Wundef -Wwrite-strings -Wcast-qual -Wnull-dereference -Wno-unused-parameter -Wno-missing-field-initializers \
    -Werror
GCC_WARNINGS := -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wimplicit-fallthrough=3
HARDENING := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection \
    -fcf-protection=full
ifneq ($(findstring clang,$(CC)),clang)
  WARNINGS += $(GCC_WARNINGS)
  HARDENING += -ftrivial-auto-var-init=zero
endif

CFLAGS := -O2 -g
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -DKILN_VERSION='"$(VERSION)"' -DKILN_PREFIX='"$(PREFIX)"' \
    -Isrc -I$(B)/gen -include base/banned.h -fPIE -pthread $(WARNINGS) $(PKG_CFLAGS) $(CFLAGS) \
    $(MODE_CFLAGS)
ALL_LDFLAGS = -pie -pthread -Wl,--as-needed -Wl,-z,relro,-z,now,-z,noexecstack $(LDFLAGS) \
    $(MODE_CFLAGS)

ifdef SAN
  MODE_CFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
      -fno-omit-frame-pointer
else ifdef COV
  MODE_CFLAGS := --coverage -fprofile-update=atomic -O0
else ifdef ANALYZE
  MODE_CFLAGS := -fanalyzer
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
	@printf 'X(%s)\n' $$(sort $$(patsubst src/$(1)/$(2)_%.c,%,$$(wildcard src/$(1)/$(2)_*.c))) >$$@.new
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

.PHONY: all test test-unit test-one demo bench fuzz lint headers install uninstall dist clean deps help
all: $(B)/kiln ## the program, build/kiln

test-unit: $(UNIT_BINS) ## unit tests of this variant
	tools/test --kiln $(B)/kiln $(UNIT_BINS)

test-one: $(B)/kiln $(UNIT_BINS) ## unit and end-to-end tests of this variant
	tools/test --kiln $(B)/kiln --label "$(B)" $(UNIT_BINS) test/e2e

clean: ## removes build/
	rm -rf build

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14
