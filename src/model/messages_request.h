/*
 * The body of a Messages API request, with its cache breakpoints.
 */
#ifndef KILN_MODEL_MESSAGES_REQUEST_H
#define KILN_MODEL_MESSAGES_REQUEST_H

#include "model/messages.h"

/* The JSON text to send; lives in the arena. The caller's values are copied where a breakpoint goes
 * into them, and never changed. */
struct str messages_request_body(struct arena *a, const struct messages_request *req);

#endif
