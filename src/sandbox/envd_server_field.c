#include "sandbox/envd_server_field.h"

#include "base/base64.h"

/* "modifiedTime" as "modified_time"; `snake` has room for the names of this protocol. */
static void to_snake(const char *camel, char *snake, size_t size)
{
    size_t o = 0;

    for (; *camel && o + 2 < size; camel++) {
        if (*camel >= 'A' && *camel <= 'Z') {
            snake[o++] = '_';
            snake[o++] = (char)(*camel - 'A' + 'a');
        } else {
            snake[o++] = *camel;
        }
    }
    snake[o] = '\0';
}

const json_t *envd_server_field(const json_t *message, const char *name)
{
    const json_t *value = json_object_get(message, name);
    char snake[64];

    if (!value) {
        to_snake(name, snake, sizeof(snake));
        value = json_object_get(message, snake);
    }
    return json_is_null(value) ? NULL : value;
}

static int wrong_type(struct err *err, const char *name, const char *wanted)
{
    return err_set(err, ERR_INPUT, "proto: invalid value for field %s: it must be %s", name,
                   wanted);
}

int envd_server_field_string(const json_t *message, const char *name, const char **ret,
                             struct err *err)
{
    const json_t *value = envd_server_field(message, name);

    if (!value)
        return 0;
    if (!json_is_string(value))
        return wrong_type(err, name, "a string");
    *ret = json_string_value(value);
    return 0;
}

int envd_server_field_bool(const json_t *message, const char *name, bool *ret, struct err *err)
{
    const json_t *value = envd_server_field(message, name);

    if (!value)
        return 0;
    if (!json_is_boolean(value))
        return wrong_type(err, name, "true or false");
    *ret = json_is_true(value);
    return 0;
}

int envd_server_field_u32(const json_t *message, const char *name, uint32_t *ret, struct err *err)
{
    const json_t *value = envd_server_field(message, name);
    uint64_t number;

    if (!value)
        return 0;
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        number = (uint64_t)json_integer_value(value);
    else if (!json_is_string(value) || !str_to_u64(json_get_str(message, name), &number))
        return wrong_type(err, name, "a number");
    if (number > UINT32_MAX)
        return wrong_type(err, name, "a 32-bit number");
    *ret = (uint32_t)number;
    return 0;
}

int envd_server_field_message(const json_t *message, const char *name, const json_t **ret,
                              struct err *err)
{
    const json_t *value = envd_server_field(message, name);

    if (!value)
        return 0;
    if (!json_is_object(value))
        return wrong_type(err, name, "an object");
    *ret = value;
    return 0;
}

int envd_server_field_bytes(struct arena *a, const json_t *message, const char *name,
                            struct str *ret, struct err *err)
{
    const char *text = NULL;

    if (envd_server_field_string(message, name, &text, err))
        return -1;
    if (!text)
        return 0;
    if (base64_decode(a, str_from(text), ret, err))
        return err_wrap(err, "proto: invalid value for field %s", name);
    return 0;
}
