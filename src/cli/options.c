#include "cli/options.h"

#include <getopt.h>
#include <string.h>

#include "base/cleanup.h"

enum { OPTIONS_MAX = 64, LONG_BASE = 256 };

/* The tables in the form of getopt_long: the value of an option is LONG_BASE + its index. */
struct table {
    const struct option_spec *specs[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char shorts[2 * OPTIONS_MAX + 3];
    size_t n;
};

static void build(struct table *t, const struct option_spec *const *tables, bool options_first)
{
    char *s = t->shorts;

    /* '+' stops at the first argument; ':' makes a missing value a case of its own. */
    if (options_first)
        *s++ = '+';
    *s++ = ':';
    for (; *tables; tables++) {
        for (const struct option_spec *o = *tables; o->name; o++) {
            bool value = o->takes != OPTION_FLAG;

            if (t->n == OPTIONS_MAX)
                BUG("more than %d options", OPTIONS_MAX);
            t->longs[t->n] = (struct option){o->name, value ? required_argument : no_argument, NULL,
                                             LONG_BASE + (int)t->n};
            t->specs[t->n++] = o;
            if (o->letter) {
                *s++ = o->letter;
                if (value)
                    *s++ = ':';
            }
        }
    }
}

/* The option of a code of getopt_long: a letter, or LONG_BASE + its index. */
static const struct option_spec *spec_of(const struct table *t, int code)
{
    if (code >= LONG_BASE)
        return t->specs[code - LONG_BASE];
    for (size_t i = 0; i < t->n; i++)
        if (t->specs[i]->letter == code)
            return t->specs[i];
    BUG("getopt_long gave %d", code);
}

/* The option that was probably meant: one that `name` begins, else one spelt like it. */
static const char *nearest(const struct table *t, const char *name)
{
    const char *names[OPTIONS_MAX];

    for (size_t i = 0; i < t->n; i++) {
        names[i] = t->specs[i]->name;
        if (*name && str_starts(str_from(names[i]), name))
            return names[i];
    }
    return json_nearest(name, names, t->n);
}

static int unknown(struct arena *a, const struct table *t, struct str word, struct err *err)
{
    const char *near = nearest(t, arena_dup(a, str_from_pos(word, 2)).p);

    return err_set(err, ERR_USAGE, "unknown option '%.*s'%s%s%s", STR_ARG(word),
                   near ? "; did you mean '--" : "", near ? near : "", near ? "'?" : "");
}

/* The option's own word in argv: "--model" of "--model=opus", "-f" of "-fx". */
static struct str word_of(const char *arg)
{
    struct str s = str_from(arg);
    ptrdiff_t equals = str_find_char(s, '=');

    if (str_starts(s, "--") && equals >= 0)
        s.n = (size_t)equals;
    return s;
}

/* getopt_long takes unique abbreviations; we don't. */
static bool is_abbreviated(const char *arg, const struct option_spec *o)
{
    struct str word = word_of(arg);

    return str_starts(word, "--") && !str_eq_c(str_from_pos(word, 2), o->name);
}

static int add(struct arena *a, struct options *o, const struct option_spec *spec,
               const char *value, struct err *err)
{
    if (!spec->repeats && spec->takes != OPTION_FLAG && options_has(o, spec->name))
        return err_set(err, ERR_USAGE, "'--%s' is given twice", spec->name);
    o->given = arena_grow(a, o->given, o->n_given, &o->cap_given, sizeof(o->given[0]));
    o->given[o->n_given++] = (struct option_given){spec, value};
    return 0;
}

/* Handles what getopt_long returned for the word `arg`. */
static int take(struct arena *a, const struct table *t, int code, const char *arg,
                struct options *ret, struct err *err)
{
    const struct option_spec *o;

    if (code == '?' && optopt && optopt < LONG_BASE)
        return err_set(err, ERR_USAGE, "unknown option '-%c'", optopt);
    if (code == '?' && optopt)
        return err_set(err, ERR_USAGE, "'--%s' takes no value", spec_of(t, optopt)->name);
    if (code == '?')
        return unknown(a, t, word_of(arg), err);
    if (code == ':') {
        o = spec_of(t, optopt);
        return err_set(err, ERR_USAGE, "'--%s' needs a value: %s", o->name, o->value);
    }
    o = spec_of(t, code);
    if (code >= LONG_BASE && is_abbreviated(arg, o))
        return unknown(a, t, word_of(arg), err);
    return add(a, ret, o, o->takes == OPTION_FLAG ? NULL : optarg, err);
}

/* What is left: getopt_long has moved it to the end. */
static void take_args(struct arena *a, int argc, char **argv, struct options *ret)
{
    ret->n_args = argc - optind;
    ret->args = ARENA_ARRAY(a, (size_t)ret->n_args + 1, const char *);
    for (int i = 0; i < ret->n_args; i++)
        ret->args[i] = argv[optind + i];
}

int options_parse(struct arena *a, const struct option_spec *const *tables, int argc, char **argv,
                  bool options_first, struct options *ret, struct err *err)
{
    struct table *t = ARENA_NEW(a, struct table);
    struct options o = *ret;
    int code;

    build(t, tables, options_first);
    opterr = 0;
    optind = 0; /* glibc: starts afresh */
    while ((code = getopt_long(argc, argv, t->shorts, t->longs, NULL)) != -1) {
        /* The word is the last one taken, or the one before its value. */
        bool apart = code >= LONG_BASE && optarg && optarg == argv[optind - 1];

        if (take(a, t, code, argv[optind - 1 - apart], &o, err))
            return err_fix(err, "add --help to see what there is");
    }
    take_args(a, argc, argv, &o);
    *ret = o;
    return 0;
}

bool options_has(const struct options *o, const char *name)
{
    for (size_t i = 0; i < o->n_given; i++)
        if (strcmp(o->given[i].spec->name, name) == 0)
            return true;
    return false;
}

const char *options_value(const struct options *o, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < o->n_given; i++)
        if (strcmp(o->given[i].spec->name, name) == 0)
            value = o->given[i].value;
    return value;
}

const char *options_next(const struct options *o, const char *name, size_t *at)
{
    while (*at < o->n_given) {
        const struct option_given *g = &o->given[(*at)++];

        if (strcmp(g->spec->name, name) == 0)
            return g->value;
    }
    return NULL;
}

void options_overrides(const struct options *o, struct arena *a, struct config_override **ret,
                       size_t *ret_n)
{
    struct config_override *list = ARENA_ARRAY(a, o->n_given + 1, struct config_override);
    size_t n = 0;

    for (size_t i = 0; i < o->n_given; i++) {
        const struct option_given *g = &o->given[i];

        if (g->spec->key)
            list[n++] = (struct config_override){g->spec->key, g->value,
                                                 arena_printf(a, "--%s", g->spec->name)};
    }
    *ret = list;
    *ret_n = n;
}
