/*
 * A pull scanner for the XML of test reports: elements, attributes, text. Hostile input.
 *
 * No document type (so no entity can be declared), no entities but the five of XML and characters
 * by number, a cap on depth and on attributes. Names must match and nothing but white space may
 * follow the root element, so that a report that was cut off is an error.
 */
#ifndef KILN_CHECK_XML_H
#define KILN_CHECK_XML_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { XML_MAX_DEPTH = 64, XML_MAX_ATTRS = 32 };

struct xml {
    struct arena *arena; /* values with references in them live there */
    struct str text, rest;
    struct str open[XML_MAX_DEPTH]; /* names of the elements around the current place */
    unsigned depth;
    bool empty_element; /* "<a/>" was opened: its end comes next */
    bool root_seen;
};

enum xml_kind { XML_DONE, XML_OPEN, XML_CLOSE, XML_TEXT };

struct xml_attr {
    struct str name, value;
};

struct xml_event {
    enum xml_kind kind;
    struct str name; /* of XML_OPEN and XML_CLOSE */
    struct str text; /* of XML_TEXT */
    struct xml_attr attrs[XML_MAX_ATTRS];
    size_t n_attrs;
};

void xml_init(struct xml *x, struct arena *a, struct str text);

/* The next event; XML_DONE at the end of a complete document. "<a/>" is an XML_OPEN and an
 * XML_CLOSE. Errors are ERR_INPUT with the line. */
int xml_next(struct xml *x, struct xml_event *ret, struct err *err);

/* The value of an attribute; empty when it isn't there. */
struct str xml_attr(const struct xml_event *e, const char *name);

#endif
