#include "sandbox/limits.h"

#include <string.h>

const char *const limits_controller_names[LIMITS_N] = {"memory", "pids", "cpu"};

/* True if the comma-separated list has the word. */
static bool list_has(struct str list, const char *word)
{
    struct str part;

    while (str_next(&list, ',', &part))
        if (str_eq_c(part, word))
            return true;
    return false;
}

/*
 * The path of our group for a controller, from lines "4:memory:/a/b" of /proc/self/cgroup;
 * `controller` NULL means the line of version 2, "0::/a/b".
 */
static bool find_group(struct str cgroup, const char *controller, struct str *ret)
{
    struct str line, id, list;

    while (str_next_line(&cgroup, &line)) {
        if (!str_next(&line, ':', &id) || !str_next(&line, ':', &list))
            continue;
        if (controller ? list_has(list, controller) : str_eq_c(id, "0")) {
            *ret = line;
            return true;
        }
    }
    return false;
}

/* The parts of a line of /proc/self/mountinfo that matter (proc_pid_mountinfo(5)). */
struct mount_line {
    struct str root, point, type, super;
};

static bool parse_mount(struct str line, struct mount_line *ret)
{
    struct str field;

    for (int i = 0; i < 5; i++) {
        if (!str_next(&line, ' ', &field))
            return false;
        if (i == 3)
            ret->root = field;
        if (i == 4)
            ret->point = field;
    }
    while (str_next(&line, ' ', &field))
        if (str_eq_c(field, "-"))
            return str_next(&line, ' ', &ret->type) && str_next(&line, ' ', &field) &&
                   str_next(&line, ' ', &ret->super);
    return false;
}

/* Where the hierarchy of a controller (NULL: version 2) is mounted. */
static bool find_mount(struct str mountinfo, const char *controller, struct mount_line *ret)
{
    struct str line;

    while (str_next_line(&mountinfo, &line)) {
        if (!parse_mount(line, ret))
            continue;
        if (controller ? str_eq_c(ret->type, "cgroup") && list_has(ret->super, controller)
                       : str_eq_c(ret->type, "cgroup2"))
            return true;
    }
    return false;
}

/* The folder of a group: the mount shows the part of the hierarchy below `root`. */
static char *group_dir(struct arena *a, const struct mount_line *m, struct str group)
{
    if (m->root.n > 1 && group.n >= m->root.n && memcmp(group.p, m->root.p, m->root.n) == 0)
        group = str_from_pos(group, m->root.n);
    if (group.n && group.p[group.n - 1] == '/')
        group.n--;
    return arena_printf(a, "%.*s%.*s", STR_ARG(m->point), STR_ARG(group));
}

void limits_find(struct arena *a, struct str cgroup, struct str mountinfo,
                 struct limits_place ret[LIMITS_N])
{
    for (int c = 0; c < LIMITS_N; c++) {
        const char *name = limits_controller_names[c];
        struct mount_line m;
        struct str group;

        ret[c] = (struct limits_place){0};
        if (find_mount(mountinfo, name, &m) && find_group(cgroup, name, &group))
            ret[c] = (struct limits_place){1, group_dir(a, &m, group)};
        else if (find_mount(mountinfo, NULL, &m) && find_group(cgroup, NULL, &group))
            ret[c] = (struct limits_place){2, group_dir(a, &m, group)};
    }
}
