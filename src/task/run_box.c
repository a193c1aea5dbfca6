#include "task/run.h"

#include "base/clock.h"
#include "base/rand.h"

int run_box_open(struct run *r, const char *purpose, struct sandbox **ret, struct err *err)
{
    int64_t start = clock_now_ms();
    struct sandbox_file *files;
    struct sandbox_spec spec = {.id = rand_id(r->a, 12), .limits = task_sandbox_limits(r->config)};
    struct sandbox *box;
    json_t *event;

    stack_files(&r->stacks, r->a, &files, &spec.n_files);
    spec.files = files;
    if (sandbox_open(r->host, &spec, &box, err))
        return err_wrap(err, "open a sandbox");
    r->sandbox_ms += clock_now_ms() - start;
    event = json_object();
    json_set(event, "purpose", json_c(purpose));
    json_set(event, "sandbox", json_deep_copy(sandbox_record(box)));
    events_emit(r->events, "sandbox_opened", event);
    *ret = box;
    return 0;
}

int run_box_renew(struct run *r, const struct tree *tree, struct err *err)
{
    struct sandbox *box;

    sandbox_close(r->box);
    r->box = NULL;
    r->env.envd = NULL;
    if (run_box_open(r, "work", &box, err))
        return -1;
    r->box = box;
    r->env.envd = sandbox_envd(box);
    json_decref(r->box_record);
    r->box_record = json_deep_copy(sandbox_record(box));
    if (tree->n_files && tree_place(tree, r->env.envd, SANDBOX_WORK, err))
        return err_wrap(err, "put the files into the sandbox");
    return 0;
}
