#include "tree/history.h"

#include <errno.h>
#include <fcntl.h>
#include <git2/blob.h>
#include <git2/commit.h>
#include <git2/common.h>
#include <git2/config.h>
#include <git2/errors.h>
#include <git2/global.h>
#include <git2/refdb.h>
#include <git2/refs.h>
#include <git2/repository.h>
#include <git2/signature.h>
#include <git2/sys/repository.h>
#include <git2/tree.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define MAIN "refs/heads/main"

struct history {
    git_repository *repo;
    int dir; /* the repository's folder, for syncfs */
};

#define DEFINE_CLEANUP(type)                                                                       \
    static void cleanup_##type(type **p)                                                           \
    {                                                                                              \
        type##_free(*p);                                                                           \
    }
DEFINE_CLEANUP(git_blob)
DEFINE_CLEANUP(git_commit)
DEFINE_CLEANUP(git_reference)
DEFINE_CLEANUP(git_refdb)
DEFINE_CLEANUP(git_signature)
DEFINE_CLEANUP(git_tree)
DEFINE_CLEANUP(git_treebuilder)

#define GIT_CLEANUP(type) __attribute__((cleanup(cleanup_##type))) type

static int git_failed(struct err *err, int code, const char *what)
{
    int sys = errno;
    const git_error *e = git_error_last();

    if (!e || !e->message) /* libgit2 leaves it to errno */
        return err_sys(err, ERR_IO, sys, "%s", what);
    err_set(err, code == GIT_ENOTFOUND ? ERR_NOT_FOUND : ERR_IO, "%s: %s", what, e->message);
    if (err && e->klass == GIT_ERROR_OS)
        err->sys = sys;
    return -1;
}

/* ---- opening ---- */

/* The configuration of the machine and of the user is none of our business. */
static void ignore_configuration(void)
{
    static const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                                 GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};

    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
}

static int open_or_make(const char *path, git_repository **ret)
{
    git_repository_init_options options = {
        .version = GIT_REPOSITORY_INIT_OPTIONS_VERSION,
        .flags = GIT_REPOSITORY_INIT_BARE,
        .initial_head = "main",
    };
    int code = git_repository_open_bare(ret, path);

    if (code != GIT_ENOTFOUND)
        return code;
    return git_repository_init_ext(ret, path, &options);
}

/* A process that was killed leaves its locks behind. Nobody else writes here (history.h). */
static void remove_stale_locks(int dir)
{
    static const char *const locks[] = {MAIN ".lock", "HEAD.lock", "config.lock"};

    for (size_t i = 0; i < ARRAY_LEN(locks); i++)
        unlinkat(dir, locks[i], 0);
}

/*
 * Branches are written with fsync, objects without: a flush of the disk for every object takes
 * long, and one syncfs before the branch moves does the same. libgit2 has one switch for both,
 * which branches read when they are set up and objects when they are written.
 */
static int sync_branches_only(git_repository *repo)
{
    GIT_CLEANUP(git_refdb) *branches = NULL;
    int code;

    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
    code = git_repository_refdb(&branches, repo);
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0);
    return code;
}

static int open_repository(struct history *h, const char *path, struct err *err)
{
    int code;

    if (fs_make_dirs(path, 0755, err))
        return -1;
    h->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (h->dir < 0)
        return err_sys(err, ERR_IO, errno, "open '%s'", path);
    remove_stale_locks(h->dir);
    code = open_or_make(path, &h->repo);
    if (code == 0)
        code = sync_branches_only(h->repo);
    return code < 0 ? git_failed(err, code, path) : 0;
}

int history_open(const char *path, struct history **ret, struct err *err)
{
    struct history *h = calloc(1, sizeof(*h));

    if (!h)
        BUG("out of memory");
    h->dir = -1;
    git_libgit2_init();
    ignore_configuration();
    if (open_repository(h, path, err)) {
        history_close(h);
        return err_wrap(err, "open the history");
    }
    *ret = h;
    return 0;
}

void history_close(struct history *h)
{
    if (!h)
        return;
    cleanup_fd(&h->dir);
    git_repository_free(h->repo);
    free(h);
    git_libgit2_shutdown();
}

/* ---- committing ---- */

static git_filemode_t mode_of(const struct tree_file *f)
{
    if (f->is_link)
        return GIT_FILEMODE_LINK;
    return f->executable ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
}

/* The end of the run of files, from `from` on, that lie in the folder that is the first `n` bytes
 * of the first one's path. */
static size_t end_of_folder(const struct tree *t, size_t from, size_t n)
{
    size_t to = from + 1;

    while (to < t->n_files && strncmp(t->files[to].path, t->files[from].path, n) == 0)
        to++;
    return to;
}

/*
 * Writes the folder of the files from .. to-1, whose paths all have the same first `skip` bytes.
 * What lies in one folder is together, because the files are sorted. As deep as paths may be.
 */
static int write_folder(git_repository *repo, const struct tree *t, size_t from, size_t to,
                        size_t skip, git_oid *ret)
{
    GIT_CLEANUP(git_treebuilder) *folder = NULL;
    int code = git_treebuilder_new(&folder, repo, NULL);

    while (code == 0 && from < to) {
        const struct tree_file *f = &t->files[from];
        struct str rest = str_from(f->path + skip);
        ptrdiff_t slash = str_find_char(rest, '/');
        char name[NAME_MAX + 1] = "";
        git_filemode_t mode = GIT_FILEMODE_TREE;
        size_t next = from + 1;
        git_oid id;

        memcpy(name, rest.p, slash < 0 ? rest.n : (size_t)slash);
        if (slash < 0) {
            mode = mode_of(f);
            code = git_blob_create_from_buffer(&id, repo, f->content.p, f->content.n);
        } else {
            size_t below = skip + (size_t)slash + 1;

            next = end_of_folder(t, from, below);
            code = write_folder(repo, t, from, next, below, &id);
        }
        if (code == 0)
            code = git_treebuilder_insert(NULL, folder, name, &id, mode);
        from = next;
    }
    return code ? code : git_treebuilder_write(ret, folder);
}

/* The tip of main, or NULL while it has none. */
static int find_tip(git_repository *repo, git_commit **ret)
{
    git_oid id;
    int code = git_reference_name_to_id(&id, repo, MAIN);

    *ret = NULL;
    if (code == GIT_ENOTFOUND)
        return 0;
    return code ? code : git_commit_lookup(ret, repo, &id);
}

static int write_commit(git_repository *repo, const git_oid *tree_id, const char *message,
                        git_oid *ret)
{
    GIT_CLEANUP(git_commit) *tip = NULL;
    GIT_CLEANUP(git_tree) *tree = NULL;
    GIT_CLEANUP(git_signature) *who = NULL;
    const git_commit *parents[1];
    int code = find_tip(repo, &tip);

    if (code == 0)
        code = git_tree_lookup(&tree, repo, tree_id);
    if (code == 0)
        code = git_signature_now(&who, "kiln", "kiln@localhost");
    parents[0] = tip;
    if (code == 0)
        code =
            git_commit_create(ret, repo, NULL, who, who, NULL, message, tree, tip ? 1 : 0, parents);
    return code;
}

static int move_main(struct history *h, const git_oid *id)
{
    GIT_CLEANUP(git_reference) *moved = NULL;

    return git_reference_create(&moved, h->repo, MAIN, id, 1, "iteration");
}

int history_commit(struct history *h, const struct tree *t, const char *message, char ret_id[41],
                   struct err *err)
{
    git_oid tree_id, id;
    int code = write_folder(h->repo, t, 0, t->n_files, 0, &tree_id);

    if (code == 0)
        code = write_commit(h->repo, &tree_id, message, &id);
    if (code < 0)
        return git_failed(err, code, "write a commit");
    if (syncfs(h->dir) < 0)
        return err_sys(err, ERR_IO, errno, "sync the history");
    code = move_main(h, &id);
    if (code < 0)
        return git_failed(err, code, "move the branch main");
    git_oid_tostr(ret_id, 41, &id);
    return 0;
}

/* ---- reading back ---- */

struct checkout {
    git_repository *repo;
    struct arena *scratch;
    struct tree_file *files;
    size_t n, cap;
    int code;
};

/* Called for every folder and file; `root` is the folder, with a slash at its end. */
static int on_entry(const char *root, const git_tree_entry *e, void *ctx)
{
    GIT_CLEANUP(git_blob) *blob = NULL;
    git_filemode_t mode = git_tree_entry_filemode(e);
    struct checkout *c = ctx;
    struct tree_file *f;

    if (git_tree_entry_type(e) != GIT_OBJECT_BLOB)
        return 0;
    c->code = git_blob_lookup(&blob, c->repo, git_tree_entry_id(e));
    if (c->code < 0)
        return -1;
    c->files = arena_grow(c->scratch, c->files, c->n, &c->cap, sizeof(*c->files));
    f = &c->files[c->n++];
    f->path = arena_printf(c->scratch, "%s%s", root, git_tree_entry_name(e));
    f->is_link = mode == GIT_FILEMODE_LINK;
    f->executable = mode == GIT_FILEMODE_BLOB_EXECUTABLE;
    f->content = arena_dup(c->scratch,
                           (struct str){git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob)});
    return 0;
}

static int read_files(struct checkout *c, const git_oid *id)
{
    GIT_CLEANUP(git_commit) *commit = NULL;
    GIT_CLEANUP(git_tree) *tree = NULL;
    int code = git_commit_lookup(&commit, c->repo, id);

    if (code == 0)
        code = git_commit_tree(&tree, commit);
    if (code == 0)
        code = git_tree_walk(tree, GIT_TREEWALK_PRE, on_entry, c);
    return code < 0 && c->code < 0 ? c->code : code;
}

int history_checkout(struct history *h, const char *id, struct arena *a, struct tree *ret,
                     struct err *err)
{
    ARENA_CLEANUP struct arena scratch = {0};
    struct checkout c = {.repo = h->repo, .scratch = &scratch};
    git_oid oid;
    int code;

    if (git_oid_fromstr(&oid, id) < 0)
        return err_set(err, ERR_INPUT, "'%.40s' is no id of a commit", id);
    code = read_files(&c, &oid);
    if (code < 0) {
        git_failed(err, code, "read a commit back");
        return err_wrap(err, "'%.40s'", id);
    }
    return tree_make(c.files, c.n, a, ret, err);
}
