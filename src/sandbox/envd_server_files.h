/*
 * /files: whole files over plain HTTP, as E2B's envd has it.
 *
 * GET and HEAD give a file, with Range. POST makes or replaces files: an application/octet-stream
 * body under ?path, or the parts named "file" of a multipart/form-data body, each under ?path or
 * its whole filename. Bodies go to disk as they come.
 */
#ifndef KILN_SANDBOX_ENVD_SERVER_FILES_H
#define KILN_SANDBOX_ENVD_SERVER_FILES_H

#include "http/server.h"
#include "sandbox/envd_server_rpc.h"

/* Checks ?username and resolves `path`. NULL after it has answered. */
const char *envd_server_files_path(const struct envd_server *server, struct http_exchange *x,
                                   const char *path);

/* GET and HEAD. */
void envd_server_download(const struct envd_server *server, struct http_exchange *x);

/* At the head of a POST: opens the sink. What is wrong with the request is kept for the answer. */
void envd_server_upload_begin(const struct envd_server *server, struct http_exchange *x);
/* Answers it. */
void envd_server_upload_reply(struct http_exchange *x);
/* Frees what begin made. */
void envd_server_upload_done(struct http_exchange *x);

/*
 * What a Range header asks of a file of `size` bytes: ENVD_SERVER_RANGE_ALL without a header, for
 * several ranges, and for an empty file; else one part, or none that the file has.
 */
enum envd_server_range { ENVD_SERVER_RANGE_ALL, ENVD_SERVER_RANGE_PART, ENVD_SERVER_RANGE_NONE };
enum envd_server_range envd_server_range_parse(const char *header, uint64_t size,
                                               uint64_t *ret_first, uint64_t *ret_n);

#endif
