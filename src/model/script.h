/*
 * The scripted model: a server of the Messages API that plays a YAML script. It stands in for the
 * model where there is no key: the demo, the tests of kiln, and users' own offline tests
 * (`kiln model serve SCRIPT`, format in `kiln help model-script`).
 *
 * A script is a list of turns, played in order, one for each request that is let through:
 *
 *     model: scripted-1              # the name it answers with
 *     turns:
 *       - expect:                    # what the request must look like; all of it is optional
 *           contains: ["FAIL", "test_divide_by_zero"]   # texts in the messages since the last turn
 *           lacks: ["secret"]
 *           system: ["kiln"]         # texts in the system prompt
 *           tools: [bash]            # tools that are offered
 *           headers: {x-api-key: k}  # headers of the request
 *           cached: true             # the prefix seen before is read from cache
 *           errors: 1                # so many tool results are errors
 *         thinking: "Let me see."    # a thinking block with a signature
 *         text: "I'll write it."
 *         tools:                     # tool calls, in order; a string is sent as raw input
 *           - bash: {command: "ls"}
 *           - str_replace_based_edit_tool: {command: create, path: /work/a.py, file_text: "..."}
 *         stop: end_turn             # default: tool_use with tools, else end_turn
 *         refusal: "..."             # refuses with this explanation
 *         usage: {output_tokens: 9}  # instead of what is counted
 *         times: 3                   # play this turn so often
 *         chunk_ms: 5                # pause between stream chunks (0)
 *       - fault: {status: 429, retry_after: 1, message: "..."}   # instead of a reply
 *       - fault: {after: cut, at: text}   # cut | stall | malformed | error | slow_first_byte, in
 *                                    # mid-stream of the text and tools that are given beside it
 *     at_end: error                  # a request too many: error (default), or repeat the last turn
 *
 * The whole of it is described in data/help/model-script.txt.
 *
 * Tokens are counted as a quarter of the bytes; the cache is modelled by byte-exact prefixes up to
 * each cache_control breakpoint, so that reads and writes come out as the API bills them. Requests
 * that the API would refuse (unanswered tool calls, changed thinking blocks, ...) are refused.
 */
#ifndef KILN_MODEL_SCRIPT_H
#define KILN_MODEL_SCRIPT_H

#include "base/err.h"
#include "base/str.h"
#include "json/json.h"

struct script;

/* Reads and checks a script: "demo.yaml:12:7: unknown key ...". */
int script_load(const char *path, struct script **ret, struct err *err);
/* The same from memory; `name` stands for the file in errors. */
int script_parse(struct str text, const char *name, struct script **ret, struct err *err);
void script_free(struct script *s);

struct script_server;

/* Serves on a listening socket (taken over), in threads of its own, until stopped. The script must
 * live as long; playing starts at its first turn. */
int script_serve(struct script *s, int listen_fd, struct script_server **ret, struct err *err);
void script_server_stop(struct script_server *s);

/*
 * What happened so far: {"requests":N,"turns_played":N,"turns_left":N,"usage":{...},
 * "unmet":["turn 3 (line 41): the request doesn't contain 'FAIL'", ...]}. Unplayed turns are unmet
 * expectations too. The caller owns it.
 */
json_t *script_server_report(struct script_server *s);

/* How many requests it got and how many expectations are unmet now. */
size_t script_server_unmet(struct script_server *s);

#endif
