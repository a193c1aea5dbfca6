/*
 * Where control groups are found, from texts of hosts of each kind.
 */
#include "support/unit.h"

#include "sandbox/limits.h"

static void check(const char *cgroup, const char *mountinfo, const struct limits_place *want)
{
    ARENA_CLEANUP struct arena a = {0};
    struct limits_place got[LIMITS_N];

    limits_find(&a, str_from(cgroup), str_from(mountinfo), got);
    for (int c = 0; c < LIMITS_N; c++) {
        assert_int_equal(got[c].version, want[c].version);
        if (want[c].version)
            assert_string_equal(got[c].dir, want[c].dir);
        else
            assert_null(got[c].dir);
    }
}

/* systemd on a host with version 2 only. */
static void version_2(void **state)
{
    const struct limits_place want[LIMITS_N] = {
        {2, "/sys/fs/cgroup/system.slice/kiln.service"},
        {2, "/sys/fs/cgroup/system.slice/kiln.service"},
        {2, "/sys/fs/cgroup/system.slice/kiln.service"},
    };

    check("0::/system.slice/kiln.service\n",
          "24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
          "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
          want);
}

/* In the root group the folder must not end in a slash. */
static void version_2_root(void **state)
{
    const struct limits_place want[LIMITS_N] = {
        {2, "/sys/fs/cgroup"}, {2, "/sys/fs/cgroup"}, {2, "/sys/fs/cgroup"}};

    check("0::/\n", "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", want);
}

/* cpu and cpuacct share a hierarchy; a container sees a part of each. */
static void version_1_in_a_container(void **state)
{
    const struct limits_place want[LIMITS_N] = {
        {1, "/sys/fs/cgroup/memory/job"},
        {1, "/sys/fs/cgroup/pids"},
        {1, "/sys/fs/cgroup/cpu,cpuacct"},
    };

    check("4:cpu,cpuacct:/docker/ab\n3:pids:/docker/ab\n2:memory:/docker/ab/job\n",
          "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
          "32 31 0:29 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
          "33 31 0:30 /docker/ab /sys/fs/cgroup/memory ro master:9 - cgroup cgroup rw,memory\n"
          "34 31 0:31 /docker/ab /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n",
          want);
}

/* Some controllers of version 1, the others in version 2. */
static void hybrid(void **state)
{
    const struct limits_place want[LIMITS_N] = {
        {1, "/sys/fs/cgroup/memory/a"},
        {2, "/sys/fs/cgroup/unified/b"},
        {2, "/sys/fs/cgroup/unified/b"},
    };

    check("4:memory:/a\n1:name=systemd:/c\n0::/b\n",
          "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
          "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
          "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
          want);
}

static void nothing_and_nonsense(void **state)
{
    const struct limits_place want[LIMITS_N] = {0};

    check("", "", want);
    check("0::/a\n", "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n", want);
    check("x\n::\n4:memory\n", "1 2 3\n30 25 0:26 / /x rw -\n30 25 0:26 / /x rw cgroup2\n", want);
}

static void defaults(void **state)
{
    const struct sandbox_limits l =
        limits_with_defaults(&(struct sandbox_limits){.pids = 7, .cpus = 0.5});

    assert_int_equal(l.pids, 7);
    assert_true(l.cpus > 0.49 && l.cpus < 0.51);
    assert_int_equal(l.memory_bytes, 2LL << 30);
    assert_int_equal(l.disk_inodes, 100000);
    assert_true(limits_with_defaults(&(struct sandbox_limits){0}).cpus >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2),
        cmocka_unit_test(version_2_root),
        cmocka_unit_test(version_1_in_a_container),
        cmocka_unit_test(hybrid),
        cmocka_unit_test(nothing_and_nonsense),
        cmocka_unit_test(defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
