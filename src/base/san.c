/*
 * Settings of the sanitizers. They are part of the program because kiln's processes start with an
 * empty environment, where ASAN_OPTIONS would not arrive. The Makefile pulls this file into
 * whatever it links with SAN=1; elsewhere it is empty.
 */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

/* A process that found something ends with a status of its own, which no exit code of kiln is. */
const char *__asan_default_options(void)
{
    return "detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=1:"
           "strict_string_checks=1";
}

const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1:exitcode=99";
}

#else

/* A translation unit may not be empty (C17 6.9). */
_Static_assert(1, "");

#endif
