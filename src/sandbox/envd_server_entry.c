#include "sandbox/envd_server_entry.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fs.h"

static const char *type_name(mode_t mode)
{
    if (S_ISREG(mode))
        return "FILE_TYPE_FILE";
    if (S_ISDIR(mode))
        return "FILE_TYPE_DIRECTORY";
    return NULL; /* FILE_TYPE_UNSPECIFIED, the default, is left out */
}

/* As Go's fs.FileMode prints it: "-rw-r--r--", "drwx...", "Lrwx...", "dtrwxrwxrwx". */
static const char *permissions(struct arena *a, mode_t mode)
{
    static const char rwx[] = "rwxrwxrwx";
    char text[20];
    size_t n = 0;

    if (S_ISDIR(mode))
        text[n++] = 'd';
    if (S_ISLNK(mode))
        text[n++] = 'L';
    if (S_ISBLK(mode) || S_ISCHR(mode))
        text[n++] = 'D';
    if (S_ISFIFO(mode))
        text[n++] = 'p';
    if (S_ISSOCK(mode))
        text[n++] = 'S';
    if (mode & S_ISUID)
        text[n++] = 'u';
    if (mode & S_ISGID)
        text[n++] = 'g';
    if (S_ISCHR(mode))
        text[n++] = 'c';
    if (mode & S_ISVTX)
        text[n++] = 't';
    if (n == 0)
        text[n++] = '-';
    for (int i = 0; i < 9; i++)
        text[n++] = mode & (0400 >> i) ? rwx[i] : '-';
    return arena_dup(a, (struct str){text, n}).p;
}

static const char *owner(struct arena *a, uid_t uid)
{
    struct passwd pw, *found = NULL;
    char room[1024];

    if (getpwuid_r(uid, &pw, room, sizeof(room), &found) == 0 && found)
        return arena_strdup(a, found->pw_name);
    return arena_printf(a, "%u", (unsigned)uid);
}

static const char *group(struct arena *a, gid_t gid)
{
    struct group gr, *found = NULL;
    char room[4096];

    if (getgrgid_r(gid, &gr, room, sizeof(room), &found) == 0 && found)
        return arena_strdup(a, found->gr_name);
    return arena_printf(a, "%u", (unsigned)gid);
}

/* protobuf's Timestamp: as many decimals as it takes, in steps of three. */
static const char *timestamp(struct arena *a, const struct timespec *t)
{
    struct tm tm;
    char text[40], decimals[24] = "";

    gmtime_r(&t->tv_sec, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    if (t->tv_nsec % 1000 != 0)
        snprintf(decimals, sizeof(decimals), ".%09ld", t->tv_nsec);
    else if (t->tv_nsec % 1000000 != 0)
        snprintf(decimals, sizeof(decimals), ".%06ld", t->tv_nsec / 1000);
    else if (t->tv_nsec != 0)
        snprintf(decimals, sizeof(decimals), ".%03ld", t->tv_nsec / 1000000);
    return arena_printf(a, "%s%sZ", text, decimals);
}

static void add_link(json_t *entry, const char *path)
{
    FREE_CLEANUP char *target = realpath(path, NULL);

    json_set(entry, "symlinkTarget", json_c(target ? target : path));
}

json_t *envd_server_entry(struct arena *a, const char *path)
{
    struct stat self, target;
    json_t *entry;

    if (lstat(path, &self) < 0)
        return NULL;
    target = self;
    if (S_ISLNK(self.st_mode) && stat(path, &target) < 0)
        target.st_mode &= ~(mode_t)S_IFMT;
    entry = json_object();
    json_set(entry, "name", json_c(fs_base_name(path)));
    if (type_name(target.st_mode))
        json_set(entry, "type", json_c(type_name(target.st_mode)));
    json_set(entry, "path", json_c(path));
    if (self.st_size)
        json_set(entry, "size", json_c(arena_printf(a, "%lld", (long long)self.st_size)));
    if (target.st_mode & 0777)
        json_set(entry, "mode", json_integer(target.st_mode & 0777));
    json_set(entry, "permissions", json_c(permissions(a, self.st_mode)));
    json_set(entry, "owner", json_c(owner(a, self.st_uid)));
    json_set(entry, "group", json_c(group(a, self.st_gid)));
    json_set(entry, "modifiedTime", json_c(timestamp(a, &self.st_mtim)));
    if (S_ISLNK(self.st_mode))
        add_link(entry, path);
    return entry;
}
