#include "cli/shell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/exit.h"

/* Output is waited for this long before input is looked at again: what a key press may take. */
enum { INPUT_MS = 15, INPUT_MAX = 4096 };

struct shell {
    struct envd_client *envd;
    struct envd_stream *stream;
    uint32_t pid;
    struct winsize size;
    bool input_over;
};

static int send_input(struct shell *s, struct err *err)
{
    struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};
    char keys[INPUT_MAX];
    ssize_t n;

    if (s->input_over || s->pid == 0 || poll(&pfd, 1, 0) <= 0)
        return 0;
    n = read(STDIN_FILENO, keys, sizeof(keys));
    if (n <= 0) {
        /* The terminal has gone, and the sandbox goes with it. The protocol knows no SIGHUP, and an
         * interactive shell ignores SIGTERM. */
        s->input_over = true;
        return envd_signal(s->envd, s->pid, SIGKILL, err);
    }
    return envd_send_input(s->envd, s->pid, (struct str){keys, (size_t)n}, true, err);
}

static int follow_size(struct shell *s, struct err *err)
{
    struct winsize now;

    if (s->pid == 0 || ioctl(STDIN_FILENO, TIOCGWINSZ, &now) < 0 ||
        (now.ws_row == s->size.ws_row && now.ws_col == s->size.ws_col))
        return 0;
    s->size = now;
    return envd_resize(s->envd, s->pid, now.ws_row, now.ws_col, err);
}

static int talk(struct shell *s, struct err *err)
{
    struct envd_event e;

    for (;;) {
        if (envd_stream_next(s->stream, INPUT_MS, &e, err))
            return -1;
        if (e.kind == ENVD_START)
            s->pid = e.pid;
        else if (e.kind == ENVD_END)
            return e.exited ? e.exit_code & 0xff : EXIT_SIGNAL + SIGKILL;
        else if (e.kind != ENVD_NONE && fs_write_all(STDOUT_FILENO, e.data, err))
            return -1;
        if (send_input(s, err) || follow_size(s, err))
            return -1;
    }
}

static int run_raw(struct shell *s, const struct termios *before, struct err *err)
{
    struct termios raw = *before;
    int code;

    cfmakeraw(&raw);
    /* Not TCSAFLUSH: what was typed ahead is for the shell. */
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0)
        return err_sys(err, ERR_IO, errno, "set up the terminal");
    code = talk(s, err);
    tcsetattr(STDIN_FILENO, TCSADRAIN, before);
    return code;
}

int shell_run(struct envd_client *envd, const struct envd_process *process, struct err *err)
{
    struct envd_process p = *process;
    struct shell s = {.envd = envd};
    struct termios before;
    int code;

    if (tcgetattr(STDIN_FILENO, &before) < 0 || ioctl(STDIN_FILENO, TIOCGWINSZ, &s.size) < 0) {
        err_set(err, ERR_USAGE, "standard input is not a terminal");
        return err_fix(err, "kiln sandbox exec -- COMMAND");
    }
    p.pty = true;
    p.rows = s.size.ws_row;
    p.columns = s.size.ws_col;
    if (envd_start(envd, &p, &s.stream, err))
        return -1;
    code = run_raw(&s, &before, err);
    envd_stream_close(s.stream);
    return code;
}
