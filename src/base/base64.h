/*
 * Standard base64 with padding (RFC 4648 section 4), as protobuf's JSON form of bytes uses it.
 */
#ifndef KILN_BASE_BASE64_H
#define KILN_BASE_BASE64_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct str base64_encode(struct arena *a, struct str s);

/* Refuses anything that isn't base64; accepts missing padding and the URL-safe alphabet, as
 * protobuf parsers do. */
int base64_decode(struct arena *a, struct str s, struct str *ret, struct err *err);

#endif
