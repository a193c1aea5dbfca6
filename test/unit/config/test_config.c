#include "config/config.h"

#include <ctype.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "support/unit.h"

/* Each test runs in a folder of its own, as the current one; HOME is in it, so that no file of the
 * machine's user is read. */
struct place {
    struct arena arena;
    char *folder, *before;
    const char *env[8];
    struct config_options options;
    struct config config;
    struct json_strings warnings;
    struct err err;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    p->folder = unit_folder(&p->arena);
    p->before = getcwd(NULL, 0);
    assert_int_equal(chdir(p->folder), 0);
    p->env[0] = arena_printf(&p->arena, "HOME=%s/home", p->folder);
    p->options.environ = p->env;
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;

    config_clear(&p->config);
    assert_int_equal(chdir(p->before), 0);
    unit_remove(p->folder);
    free(p->before);
    arena_clear(&p->arena);
    free(p);
    return 0;
}

static void put(struct place *p, const char *path, const char *text)
{
    char *dir = arena_strdup(&p->arena, path), *slash = strrchr(dir, '/');

    if (slash) {
        *slash = '\0';
        assert_int_equal(fs_make_dirs(dir, 0755, &p->err), 0);
    }
    assert_int_equal(fs_write_file(path, str_from(text), 0600, &p->err), 0);
}

static void load(struct place *p)
{
    config_clear(&p->config);
    if (config_load(&p->arena, &p->options, &p->config, &p->warnings, &p->err))
        fail_msg("%s", p->err.msg);
}

static void load_fails(struct place *p, const char *message)
{
    config_clear(&p->config);
    p->err = (struct err){0};
    assert_int_equal(config_load(&p->arena, &p->options, &p->config, &p->warnings, &p->err), -1);
    assert_int_equal(p->err.kind, ERR_CONFIG);
    assert_contains(p->err.msg, message);
}

static void assert_origin(struct place *p, const char *key, const char *origin)
{
    assert_string_equal(config_origin(&p->config, key), origin);
}

static void defaults_are_there_without_any_file(void **state)
{
    struct place *p = *state;
    const struct config *c = &p->config;

    load(p);
    assert_string_equal(c->model, "opus");
    assert_string_equal(c->base_url, "https://api.anthropic.com");
    assert_string_equal(c->thinking, "adaptive");
    assert_string_equal(c->results_dir, "results");
    assert_string_equal(c->engine, "direct");
    assert_string_equal(c->sandbox, "local");
    assert_int_equal(c->max_tokens, 16000);
    assert_int_equal(c->iterations, 10);
    assert_true(c->budget_usd == 5.0);
    assert_true(c->timeout_s == 3600);
    assert_int_equal(c->turns, 30);
    assert_true(c->command_s == 120);
    assert_int_equal(c->memory_mb, 2048);
    assert_int_equal(c->disk_mb, 1024);
    assert_int_equal(c->tmp_mb, 256);
    assert_int_equal(c->pids, 512);
    assert_int_equal(c->require.n, 0);
    assert_null(c->api_key);
    assert_null(c->api_key_origin);
    assert_origin(p, "task.iterations", "default");
}

/* One value for each source; taking away the strongest leaves the next. */
static void the_strongest_source_wins(void **state)
{
    struct place *p = *state;
    const struct config_override flag = {"task.iterations", "6", "--iterations"};

    put(p, "home/.config/kiln/config.yaml", "task:\n  iterations: 2\n  budget_usd: 1.5\n");
    put(p, "kiln.yaml", "task:\n  iterations: 3\n");
    put(p, ".env", "KILN_TASK_ITERATIONS=4\n");
    p->env[1] = "KILN_TASK_ITERATIONS=5";
    p->options.overrides = &flag;
    p->options.n_overrides = 1;

    load(p);
    assert_int_equal(p->config.iterations, 6);
    assert_origin(p, "task.iterations", "--iterations");
    assert_true(p->config.budget_usd == 1.5);
    p->options.n_overrides = 0;
    load(p);
    assert_int_equal(p->config.iterations, 5);
    assert_origin(p, "task.iterations", "environment KILN_TASK_ITERATIONS");
    p->env[1] = "KILN_TASK_ITERATIONS=";
    load(p);
    assert_int_equal(p->config.iterations, 4);
    assert_origin(p, "task.iterations", ".env:1");
    assert_int_equal(unlink(".env"), 0);
    load(p);
    assert_int_equal(p->config.iterations, 3);
    assert_origin(p, "task.iterations", "kiln.yaml:2");
    assert_int_equal(unlink("kiln.yaml"), 0);
    load(p);
    assert_int_equal(p->config.iterations, 2);
    assert_contains(config_origin(&p->config, "task.iterations"), "/kiln/config.yaml:2");
}

static void xdg_config_home_is_heeded(void **state)
{
    struct place *p = *state;

    put(p, "xdg/kiln/config.yaml", "model: {name: sonnet}\n");
    p->env[1] = arena_printf(&p->arena, "XDG_CONFIG_HOME=%s/xdg", p->folder);
    load(p);
    assert_string_equal(p->config.model, "sonnet");
    p->env[1] = "XDG_CONFIG_HOME=xdg";
    load(p);
    assert_string_equal(p->config.model, "opus");
}

static void kiln_yaml_is_found_upwards_to_the_root_of_the_checkout(void **state)
{
    struct place *p = *state;

    put(p, "kiln.yaml", "results: {dir: kept}\n");
    put(p, ".env", "KILN_TASK_ITERATIONS=7\n");
    assert_int_equal(fs_make_dirs("a/b", 0755, &p->err), 0);
    assert_int_equal(chdir("a/b"), 0);
    load(p);
    assert_origin(p, "results.dir", "default");

    assert_int_equal(fs_make_dirs("../../.git", 0755, &p->err), 0);
    load(p);
    /* A relative path starts at the file that holds it, and .env lies beside that file. */
    assert_contains(p->config.results_dir, p->folder);
    assert_true(str_ends(str_from(p->config.results_dir), "/kept"));
    assert_int_equal(p->config.iterations, 7);

    assert_int_equal(fs_make_dirs("../.git", 0755, &p->err), 0);
    load(p);
    assert_origin(p, "results.dir", "default");
}

static void a_named_file_replaces_all_others(void **state)
{
    struct place *p = *state;

    put(p, "kiln.yaml", "task: {iterations: 3}\n");
    put(p, "other.yaml", "task: {budget_usd: 2}\n");
    put(p, "other.env", "KILN_TASK_MAX_TOKENS=9\n");
    p->options.file = "other.yaml";
    p->options.env_file = "other.env";
    load(p);
    assert_int_equal(p->config.iterations, 10);
    assert_true(p->config.budget_usd == 2);
    assert_int_equal(p->config.max_task_tokens, 9);
    p->options.file = "absent.yaml";
    p->err = (struct err){0};
    assert_int_equal(config_load(&p->arena, &p->options, &p->config, &p->warnings, &p->err), -1);
    assert_contains(p->err.msg, "absent.yaml");
}

/* In a shared folder anybody can put a file that sends the key somewhere. */
static void a_found_file_of_another_user_is_refused(void **state)
{
    static const char *const files[] = {"kiln.yaml", ".env"};
    struct place *p = *state;

    if (geteuid() != 0)
        skip(); /* only root can give a file away */
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        put(p, files[i], "");
        assert_int_equal(chown(files[i], 12345, 12345), 0);
        load_fails(p, "belongs to another user (12345)");
        assert_contains(p->err.fix, "--config");
        unlink(files[i]);
    }
    put(p, "kiln.yaml", "task: {iterations: 3}\n");
    put(p, ".env", "KILN_TASK_MAX_TOKENS=9\n");
    assert_int_equal(chown("kiln.yaml", 12345, 12345), 0);
    assert_int_equal(chown(".env", 12345, 12345), 0);
    p->env[1] = "SUDO_UID=12345";
    load(p);
    assert_int_equal(p->config.iterations, 3);
    p->env[1] = NULL;
    p->options.file = "kiln.yaml";
    p->options.env_file = ".env";
    load(p);
    assert_int_equal(p->config.iterations, 3);
    assert_int_equal(p->config.max_task_tokens, 9);
}

static void mistakes_in_a_file_have_their_place_and_a_suggestion(void **state)
{
    static const struct {
        const char *yaml, *message;
    } cases[] = {
        {"task:\n  iteratoins: 3\n",
         "kiln.yaml:2:3: unknown setting 'iteratoins' in task; did you mean 'iterations'?"},
        {"tasks: 3\n", "kiln.yaml:1:1: unknown setting 'tasks'"},
        {"tasks: {iterations: 3}\n",
         "kiln.yaml:1:9: unknown setting 'tasks.iterations'; did you mean 'task.iterations'?"},
        {"task: {iterations: 0}\n", "kiln.yaml:1:8: task.iterations must be a whole number from 1"},
        {"task: {iterations: 101}\n", "from 1 to 100, not '101'"},
        {"task: {iterations: \"3\"}\n", "task.iterations must be a whole number without quotes"},
        {"task: {iterations: 3.5}\n", "task.iterations must be a whole number"},
        {"task: {budget_usd: much}\n", "task.budget_usd must be a number"},
        {"task: {timeout_s: soon}\n", "task.timeout_s must be a time such as 90s or 10m"},
        {"model: {thinking: deep}\n", "model.thinking must be adaptive or off, not 'deep'"},
        {"model: {name: ''}\n", "model.name must not be empty"},
        {"model: {name: 4}\n", "model.name must be a text"},
        {"model: {api_key: abc}\n", "model.api_key is a secret and doesn't belong in this file"},
        {"sandbox: {require: [1]}\n", "sandbox.require must be a list of words"},
        {"- task\n", "kiln.yaml: must be a mapping"},
        {"task: {iterations: 3\n", "kiln.yaml:2:1:"},
    };
    struct place *p = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        put(p, "kiln.yaml", cases[i].yaml);
        load_fails(p, cases[i].message);
        assert_null(strstr(p->err.msg, "abc"));
    }
    put(p, "kiln.yaml", "task:\nmodel: {name: ~}\n");
    load(p);
}

static void mistakes_elsewhere_say_where(void **state)
{
    const struct config_override flag = {"task.budget_usd", "-1", "--budget-usd"};
    struct place *p = *state;

    p->env[1] = "KILN_TASK_ITERATIONS=many";
    load_fails(p, "KILN_TASK_ITERATIONS: task.iterations must be a whole number");
    p->env[1] = NULL;
    put(p, ".env", "\nKILN_TASK_ITERATIONS=many\n");
    load_fails(p, ".env:2: task.iterations must be");
    put(p, ".env", "KILN_TASK_ITERATION=4\n");
    load_fails(p, ".env:1: unknown setting 'KILN_TASK_ITERATION'; did you mean");
    put(p, ".env", "OTHER_THING=4\n");
    load(p);
    p->options.overrides = &flag;
    p->options.n_overrides = 1;
    p->err = (struct err){0};
    assert_int_equal(config_load(&p->arena, &p->options, &p->config, &p->warnings, &p->err), -1);
    assert_int_equal(p->err.kind, ERR_USAGE);
    assert_contains(p->err.msg, "--budget-usd: task.budget_usd must be a number from 0");
}

static void likely_mistakes_in_the_environment_are_warnings(void **state)
{
    struct place *p = *state;

    p->env[1] = "KILN_TASK_ITERATION=4";
    p->env[2] = "ANTHROPIC_APIKEY=x";
    p->env[3] = "KILN_SOMETHING_ELSE_ALTOGETHER=1";
    p->env[4] = "ANTHROPIC_API_KEY_FILE=";
    load(p);
    assert_int_equal(p->warnings.n, 2);
    assert_contains(p->warnings.items[0], "did you mean KILN_TASK_ITERATIONS?");
    assert_contains(p->warnings.items[1], "did you mean ANTHROPIC_API_KEY?");
}

static void kinds_of_values(void **state)
{
    struct place *p = *state;

    put(p, "kiln.yaml",
        "task: {timeout_s: 10m, budget_usd: 3}\nengine: {command_s: 1.5}\n"
        "sandbox: {require: [landlock, cgroup]}\n");
    load(p);
    assert_true(p->config.timeout_s == 600);
    assert_true(p->config.budget_usd == 3);
    assert_true(p->config.command_s == 1.5);
    assert_int_equal(p->config.require.n, 2);
    assert_string_equal(p->config.require.items[1], "cgroup");
    p->env[1] = "KILN_SANDBOX_REQUIRE= seccomp, landlock,";
    p->env[2] = "KILN_TASK_TIMEOUT_S=2h";
    load(p);
    assert_int_equal(p->config.require.n, 2);
    assert_string_equal(p->config.require.items[0], "seccomp");
    assert_true(p->config.timeout_s == 7200);
    assert_string_equal(config_show(&p->arena, &p->config, config_find("sandbox.require")),
                        "seccomp,landlock");
    assert_string_equal(config_show(&p->arena, &p->config, config_find("task.timeout_s")), "7200");
}

static void a_key_comes_from_the_environment_a_file_or_dotenv(void **state)
{
    struct place *p = *state;

    put(p, ".env", "ANTHROPIC_API_KEY=sk-from-dotenv-111\n");
    load(p);
    assert_string_equal(secret_reveal(p->config.api_key), "sk-from-dotenv-111");
    assert_string_equal(p->config.api_key_origin, ".env:1");
    assert_int_equal(p->warnings.n, 0);

    put(p, "secrets/key", "\n sk-from-file-222\n");
    put(p, ".env", "ANTHROPIC_API_KEY_FILE=secrets/key\n");
    load(p);
    assert_string_equal(secret_reveal(p->config.api_key), "sk-from-file-222");

    p->env[1] = "ANTHROPIC_API_KEY=sk-from-environment-333";
    load(p);
    assert_string_equal(secret_reveal(p->config.api_key), "sk-from-environment-333");
    assert_string_equal(config_show(&p->arena, &p->config, config_find("model.api_key")), "…333");
    p->env[2] = "KILN_MODEL_API_KEY=sk-of-our-own-444";
    load(p);
    assert_string_equal(secret_reveal(p->config.api_key), "sk-of-our-own-444");
}

static void a_bad_key_is_refused_and_not_shown(void **state)
{
    struct place *p = *state;

    p->env[1] = "ANTHROPIC_API_KEY=sk-with a-space";
    load_fails(p, "ANTHROPIC_API_KEY: model.api_key: the key has a space");
    assert_null(strstr(p->err.msg, "a-space"));
    p->env[1] = "ANTHROPIC_AUTH_TOKEN_FILE=absent";
    load_fails(p, "ANTHROPIC_AUTH_TOKEN_FILE: open 'absent'");
}

static void a_key_that_others_can_read_is_warned_about(void **state)
{
    struct place *p = *state;

    put(p, ".env", "ANTHROPIC_API_KEY=sk-from-dotenv-111\n");
    assert_int_equal(chmod(".env", 0644), 0);
    load(p);
    assert_int_equal(p->warnings.n, 1);
    assert_contains(p->warnings.items[0], "chmod 600 .env");
    put(p, ".env", "KILN_TASK_ITERATIONS=3\n");
    assert_int_equal(chmod(".env", 0644), 0);
    load(p);
    assert_int_equal(p->warnings.n, 0);
}

static void names_of_variables_follow_from_the_keys(void **state)
{
    for (const struct config_setting *s = config_settings; s->key; s++) {
        char name[64] = "KILN_";
        size_t n = strlen(name);

        for (const char *k = s->key; *k && n + 1 < sizeof(name); k++)
            name[n++] = *k == '.' ? '_' : (char)toupper((unsigned char)*k);
        assert_string_equal(s->env, name);
    }
    assert_string_equal(config_nearest("task.iteratons"), "task.iterations");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(defaults_are_there_without_any_file),
        TEST(the_strongest_source_wins),
        TEST(xdg_config_home_is_heeded),
        TEST(kiln_yaml_is_found_upwards_to_the_root_of_the_checkout),
        TEST(a_named_file_replaces_all_others),
        TEST(a_found_file_of_another_user_is_refused),
        TEST(mistakes_in_a_file_have_their_place_and_a_suggestion),
        TEST(mistakes_elsewhere_say_where),
        TEST(likely_mistakes_in_the_environment_are_warnings),
        TEST(kinds_of_values),
        TEST(a_key_comes_from_the_environment_a_file_or_dotenv),
        TEST(a_bad_key_is_refused_and_not_shown),
        TEST(a_key_that_others_can_read_is_warned_about),
        cmocka_unit_test(names_of_variables_follow_from_the_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
