/*
 * A streaming parser of multipart/form-data (RFC 7578): parts go to callbacks as they arrive, so
 * that a file of any size passes through without being held.
 */
#ifndef KILN_HTTP_MULTIPART_H
#define KILN_HTTP_MULTIPART_H

#include "base/err.h"
#include "base/str.h"

/* Valid during `begin` only. */
struct multipart_part {
    const char *name;     /* of the form field */
    const char *filename; /* whole, "/a/b" and not "b"; NULL if there is none */
};

/* Each returns 0, or -1 with an error that ends the parsing. */
struct multipart_ops {
    int (*begin)(void *ctx, const struct multipart_part *part, struct err *err);
    int (*data)(void *ctx, struct str chunk, struct err *err);
    int (*end)(void *ctx, struct err *err);
};

struct multipart_parser;

/* `content_type` is the request's header, which names the boundary. */
int multipart_new(const char *content_type, const struct multipart_ops *ops, void *ctx,
                  struct multipart_parser **ret, struct err *err);
void multipart_free(struct multipart_parser *p);

/* Takes the next bytes of the body, cut anywhere. ERR_INPUT for what isn't a form, ERR_LIMIT for
 * headers of more than 8 KiB in a part. After an error nothing more may be fed. */
int multipart_feed(struct multipart_parser *p, struct str bytes, struct err *err);

/* At the end of the body: an error unless the closing boundary was seen. */
int multipart_finish(struct multipart_parser *p, struct err *err);

#endif
