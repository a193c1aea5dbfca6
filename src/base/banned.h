/*
 * Functions that have a safer way here. The Makefile includes this file before every source, so
 * that using one doesn't compile.
 */
#ifndef KILN_BASE_BANNED_H
#define KILN_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With _FORTIFY_SOURCE these are macros in clang, which can't be poisoned. */
#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atof gmtime localtime ctime asctime
#pragma GCC poison system popen mktemp tmpnam tempnam

#endif
