/* The innermost loops of a batch, compiled: what every field of every event goes through.

   Each function here does what its twin in Python does, which stays the specification, is what
   runs where this is not at hand, and is what the tests hold this to:

       take          core/taking.py:take_plainly
       entry_action  adapters/dynamodb.py:entry_action_plainly (another DEFLATE of the same bytes)

   It works on values that a reading has let through, never on what a sender wrote. It is written
   against Python's stable interface alone, so one file serves every Python from 3.11 on. SHA-256
   is OpenSSL's, in the library that `hashlib` uses; without that the import fails and the twins
   do the work. Nothing here keeps state between calls but the primed dictionary, and no call
   gives up the interpreter's lock. */

#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030B0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

/* Text that grows ------------------------------------------------------------------------- */

typedef struct {
    char *at;
    size_t used, room;
    char inside[4096]; /* most texts fit; only longer ones are allocated */
} Text;

static void begin(Text *text) {
    text->at = text->inside;
    text->used = 0;
    text->room = sizeof text->inside;
}

static void end(Text *text) {
    if (text->at != text->inside) PyMem_Free(text->at);
}

/* Room for so many bytes more: 0, or -1 with MemoryError. */
static int reserve(Text *text, size_t more) {
    if (more <= text->room - text->used) return 0;
    size_t room = 2 * text->room;
    while (room - text->used < more) room *= 2;
    char *grown = text->at == text->inside ? PyMem_Malloc(room) : PyMem_Realloc(text->at, room);
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (text->at == text->inside) memcpy(grown, text->inside, text->used);
    text->at = grown;
    text->room = room;
    return 0;
}

static int put(Text *text, const char *bytes, size_t length) {
    if (reserve(text, length) < 0) return -1;
    memcpy(text->at + text->used, bytes, length);
    text->used += length;
    return 0;
}

#define PUT(text, literal) put(text, literal, sizeof(literal) - 1)

static int put_integer(Text *text, long long value) {
    char digits[24], *from = digits + sizeof digits;
    unsigned long long left =
        value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
    do *--from = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0) *--from = '-';
    return put(text, from, (size_t)(digits + sizeof digits - from));
}

static const char HEX[] = "0123456789abcdef";

static void hex_of(const unsigned char *hash, char *out) {
    for (int i = 0; i < 32; i++) {
        out[2 * i] = HEX[hash[i] >> 4];
        out[2 * i + 1] = HEX[hash[i] & 15];
    }
}

/* Canonical JSON: RFC 8785 ------------------------------------------------------------------ */

/* A string as JSON, with the short escapes where there are some and \u00xx for other controls. */
static int put_quoted(Text *text, const char *from, size_t length) {
    if (reserve(text, 6 * length + 2) < 0) return -1;
    char *to = text->at + text->used;
    *to++ = '"';
    for (const char *end_of = from + length; from < end_of; from++) {
        unsigned char byte = (unsigned char)*from;
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '\\';
        switch (byte) {
        case '"':
        case '\\': *to++ = (char)byte; break;
        case '\b': *to++ = 'b'; break;
        case '\t': *to++ = 't'; break;
        case '\n': *to++ = 'n'; break;
        case '\f': *to++ = 'f'; break;
        case '\r': *to++ = 'r'; break;
        default:
            memcpy(to, "u00", 3);
            to[3] = HEX[byte >> 4];
            to[4] = HEX[byte & 15];
            to += 5;
        }
    }
    *to++ = '"';
    text->used = (size_t)(to - text->at);
    return 0;
}

static int refuse(void) {
    PyErr_SetString(PyExc_ValueError, "The value has no canonical JSON form.");
    return -1;
}

/* The UTF-8 of a string, or NULL with ValueError: something else, or half of a surrogate pair. */
static const char *utf8_of(PyObject *value, size_t *length) {
    Py_ssize_t size = 0;
    const char *bytes = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, &size) : NULL;
    if (bytes == NULL && (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_UnicodeError)))
        refuse();
    *length = (size_t)size;
    return bytes;
}

static int put_text(Text *text, PyObject *value) {
    size_t length;
    const char *bytes = utf8_of(value, &length);
    return bytes == NULL ? -1 : put_quoted(text, bytes, length);
}

static int put_text_or_null(Text *text, PyObject *value) {
    return value == Py_None ? PUT(text, "null") : put_text(text, value);
}

static int put_number(Text *text, PyObject *value) {
    int beyond;
    long long number = PyLong_AsLongLongAndOverflow(value, &beyond);
    if (number == -1 && PyErr_Occurred()) return -1;
    return beyond ? refuse() : put_integer(text, number);
}

static int put_canonical(Text *text, PyObject *value);

typedef struct {
    const char *name;
    size_t length;
    PyObject *value;
} Member;

static int comes_later(const Member *one, const Member *other) {
    size_t shorter = one->length < other->length ? one->length : other->length;
    int order = memcmp(one->name, other->name, shorter);
    return order > 0 || (order == 0 && one->length > other->length);
}

/* Members in the order of their names. Objects of the contract have a dozen parts at most. */
static int put_members(Text *text, PyObject *object, Member *members) {
    Py_ssize_t place = 0, count = 0;
    PyObject *name, *value;
    while (PyDict_Next(object, &place, &name, &value)) {
        Member member = {NULL, 0, value};
        member.name = utf8_of(name, &member.length);
        if (member.name == NULL) return -1;
        Py_ssize_t at = count++;
        for (; at > 0 && comes_later(&members[at - 1], &member); at--)
            members[at] = members[at - 1];
        members[at] = member;
    }
    if (PUT(text, "{") < 0) return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i > 0 && PUT(text, ",") < 0) return -1;
        if (put_quoted(text, members[i].name, members[i].length) < 0) return -1;
        if (PUT(text, ":") < 0 || put_canonical(text, members[i].value) < 0) return -1;
    }
    return PUT(text, "}");
}

static int put_object(Text *text, PyObject *object) {
    Member few[16];
    Py_ssize_t size = PyDict_Size(object);
    if (size <= (Py_ssize_t)(sizeof few / sizeof *few)) return put_members(text, object, few);
    Member *many = PyMem_Malloc((size_t)size * sizeof *many);
    if (many == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int done = put_members(text, object, many);
    PyMem_Free(many);
    return done;
}

static int put_list(Text *text, PyObject *list) {
    Py_ssize_t size = PyList_Size(list);
    if (PUT(text, "[") < 0) return -1;
    for (Py_ssize_t i = 0; i < size; i++) {
        if (i > 0 && PUT(text, ",") < 0) return -1;
        if (put_canonical(text, PyList_GetItem(list, i)) < 0) return -1;
    }
    return PUT(text, "]");
}

/* The canonical JSON of a value: 0, or -1 with ValueError where it has none. */
static int put_canonical(Text *text, PyObject *value) {
    if (value == Py_None) return PUT(text, "null");
    if (value == Py_True) return PUT(text, "true");
    if (value == Py_False) return PUT(text, "false");
    if (PyUnicode_Check(value)) return put_text(text, value);
    if (PyLong_Check(value)) return put_number(text, value);
    int is_object = PyDict_Check(value);
    if (!is_object && !PyList_Check(value)) return refuse();
    if (Py_EnterRecursiveCall(" while writing canonical JSON")) return -1;
    int done = is_object ? put_object(text, value) : put_list(text, value);
    Py_LeaveRecursiveCall();
    return done;
}

/* SHA-256, by the library that hashlib has loaded --------------------------------------------- */

typedef struct {
    uint32_t words[28]; /* as <openssl/sha.h> has it */
    uint32_t beyond[4];
} Sha;

static int (*sha_init)(Sha *);
static int (*sha_update)(Sha *, const void *, size_t);
static int (*sha_final)(unsigned char *, Sha *);

/* Whether the library's SHA-256 is that of FIPS 180-4 (of `abc`), in the room that it has here. */
static int sha_is_right(void) {
    static const char expected[] =
        "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
        "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
    unsigned char hash[32];
    Sha sha, copy;
    memset(&sha, 0xAA, sizeof sha);
    if (sha_init(&sha) != 1 || sha_update(&sha, "ab", 2) != 1) return 0;
    copy = sha;
    if (sha_update(&copy, "c", 1) != 1 || sha_final(hash, &copy) != 1) return 0;
    for (int i = 0; i < 4; i++)
        if (copy.beyond[i] != 0xAAAAAAAA) return 0; /* larger than it is known to be */
    return memcmp(hash, expected, sizeof hash) == 0;
}

static int found_sha(void) {
    static const char *const names[] = {"libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.3.dylib"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *library = dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library == NULL) continue;
        *(void **)&sha_init = dlsym(library, "SHA256_Init");
        *(void **)&sha_update = dlsym(library, "SHA256_Update");
        *(void **)&sha_final = dlsym(library, "SHA256_Final");
        if (sha_init && sha_update && sha_final && sha_is_right()) return 1;
        dlclose(library);
    }
    return 0;
}

typedef struct {
    Sha inner, outer;
} Key;

/* HMAC is SHA-256(outer || SHA-256(inner || message)), RFC 2104: both begun under the key. */
static void begin_hmac(Key *key, const unsigned char *secret, size_t length) {
    unsigned char inner[64], outer[64];
    memset(inner, 0x36, sizeof inner);
    memset(outer, 0x5c, sizeof outer);
    for (size_t i = 0; i < length; i++) {
        inner[i] ^= secret[i];
        outer[i] ^= secret[i];
    }
    sha_init(&key->inner);
    sha_update(&key->inner, inner, sizeof inner);
    sha_init(&key->outer);
    sha_update(&key->outer, outer, sizeof outer);
}

/* SHA-256(HMAC(key, first || second) || bytes), as hexadecimal digits. */
static void salted(const Key *key, const char *first, size_t first_length, const char *second,
                   size_t second_length, const char *bytes, size_t length, char *hex) {
    unsigned char hash[32];
    Sha sha = key->inner;
    sha_update(&sha, first, first_length);
    sha_update(&sha, second, second_length);
    sha_final(hash, &sha);
    sha = key->outer;
    sha_update(&sha, hash, sizeof hash);
    sha_final(hash, &sha);
    sha_init(&sha);
    sha_update(&sha, hash, sizeof hash);
    sha_update(&sha, bytes, length);
    sha_final(hash, &sha);
    hex_of(hash, hex);
}

static void hashed(const char *bytes, size_t length, char *hex) {
    unsigned char hash[32];
    Sha sha;
    sha_init(&sha);
    sha_update(&sha, bytes, length);
    sha_final(hash, &sha);
    hex_of(hash, hex);
}

/* take ----------------------------------------------------------------------------------------- */

/* The named tuples of the core, and where their parts are. */
enum { LANE, RECORD, STAMP, EVENT_REF, ENTRY, TAKEN, APPLIED, SUPERSEDED, SHAPES };
enum { RECORD_KIND, RECORD_KEY, LANES, VERSION, HEAD, UPDATED_AT, ERASURES, RECORD_PARTS };
enum { ENVELOPE, KIND, KEY, CORE, FIELDS, VALUES, EVENT_PARTS };
enum { SOURCE, ID, TYPE, SUBJECT, TIME, SEQUENCE, ENVELOPE_CORE, UID, ENVELOPE_PARTS };
enum { REF_SOURCE, REF_ID, REF_TYPE, REF_TIME, REF_SEQUENCE, REF_DIGEST, REF_PARTS };

/* A named tuple of so many parts, each of which it takes a reference of its own to; NULL with an
   exception, also where a part is NULL. */
static PyObject *made(PyObject *type, PyObject *const *parts, Py_ssize_t size) {
    /* From 3.14 on a tuple keeps its hash, and only tuple.__new__ says that it has none yet: memory
       that was merely allocated has the hash 0. */
    int keeps_hash = Py_Version >= 0x030E0000;
    allocfunc make = (allocfunc)PyType_GetSlot((PyTypeObject *)type, Py_tp_alloc);
    for (Py_ssize_t i = 0; i < size; i++)
        if (parts[i] == NULL) return NULL;
    PyObject *tuple = keeps_hash ? PyTuple_New(size) : make((PyTypeObject *)type, size);
    for (Py_ssize_t i = 0; tuple != NULL && i < size; i++) {
        Py_INCREF(parts[i]);
        if (PyTuple_SetItem(tuple, i, parts[i]) < 0) Py_CLEAR(tuple);
    }
    if (!keeps_hash || tuple == NULL) return tuple;
    newfunc anew = (newfunc)PyType_GetSlot(&PyTuple_Type, Py_tp_new);
    PyObject *told = PyTuple_Pack(1, tuple);
    PyObject *named = told == NULL ? NULL : anew((PyTypeObject *)type, told, NULL);
    Py_XDECREF(told);
    Py_DECREF(tuple);
    return named;
}

/* The parts of a tuple, borrowed: 0, or -1 with TypeError where it is none of so many. */
static int parts_of(PyObject *tuple, PyObject **parts, Py_ssize_t size) {
    if (!PyTuple_Check(tuple) || PyTuple_Size(tuple) != size) {
        PyErr_SetString(PyExc_TypeError, "A tuple has another number of parts.");
        return -1;
    }
    for (Py_ssize_t i = 0; i < size; i++) parts[i] = PyTuple_GetItem(tuple, i);
    return 0;
}

/* What one statement did to its lane. `before` is a reference of its own. */
typedef struct {
    PyObject *before;
    int won, tied;
} Effect;

/* Makes the rank's lane the new statement's. What nobody but `lanes` (and `fold`) holds is changed
   in place. */
static int give(PyObject *lanes, PyObject *field, PyObject *by_rank, PyObject *rank,
                PyObject *lane_type, PyObject *stamp, PyObject *value) {
    PyObject *parts[] = {stamp, value}, *lane = made(lane_type, parts, 2);
    if (lane == NULL) return -1;
    int done;
    if (by_rank != NULL && Py_REFCNT(by_rank) == 2) {
        done = PyDict_SetItem(by_rank, rank, lane);
    } else {
        PyObject *ranks = by_rank == NULL ? PyDict_New() : PyDict_Copy(by_rank);
        done = ranks == NULL ? -1 : PyDict_SetItem(ranks, rank, lane);
        if (done == 0) done = PyDict_SetItem(lanes, field, ranks);
        Py_XDECREF(ranks);
    }
    Py_DECREF(lane);
    return done;
}

/* Whether two stamps have the same instant, sequence and source, or -1. */
static int same_but_id(PyObject *one, PyObject *other) {
    int same = 1;
    for (Py_ssize_t i = 0; same == 1 && i < 3; i++)
        same = PyObject_RichCompareBool(PyTuple_GetItem(one, i), PyTuple_GetItem(other, i), Py_EQ);
    return same;
}

/* Compares a statement with the one that its lane has: 0, or -1 with an exception. */
static int met(PyObject *lane, PyObject *stamp, Effect *effect) {
    PyObject *kept[2];
    if (parts_of(lane, kept, 2) < 0) return -1;
    if (!PyTuple_Check(kept[0]) || PyTuple_Size(kept[0]) != 4) {
        PyErr_SetString(PyExc_TypeError, "A stamp has four parts.");
        return -1;
    }
    if ((effect->won = PyObject_RichCompareBool(stamp, kept[0], Py_GT)) < 0) return -1;
    if ((effect->tied = same_but_id(stamp, kept[0])) < 0) return -1;
    effect->before = Py_NewRef(kept[1]);
    return 0;
}

/* Takes one statement into the lanes: 0, or -1 with an exception. What a comparison may run, if a
   part is no plain value, finds the dictionary and the lane held. */
static int fold(PyObject *lanes, PyObject *stamp, PyObject *field, PyObject *rank, PyObject *value,
                PyObject *lane_type, Effect *effect) {
    *effect = (Effect){NULL, 1, 0};
    PyObject *by_rank = PyDict_GetItemWithError(lanes, field), *lane = NULL;
    int done = by_rank == NULL && PyErr_Occurred() ? -1 : 0;
    Py_XINCREF(by_rank);
    if (by_rank != NULL && !PyDict_Check(by_rank)) {
        PyErr_SetString(PyExc_TypeError, "The ranks of a field are a dictionary.");
        done = -1;
    } else if (by_rank != NULL) {
        lane = PyDict_GetItemWithError(by_rank, rank);
        Py_XINCREF(lane);
        if (lane == NULL && PyErr_Occurred()) done = -1;
    }
    if (lane != NULL) done = met(lane, stamp, effect);
    else if (done == 0) effect->before = Py_NewRef(Py_None);
    Py_XDECREF(lane);
    if (done == 0 && effect->won) done = give(lanes, field, by_rank, rank, lane_type, stamp, value);
    Py_XDECREF(by_rank);
    return done;
}

/* What the events of an entry share while its fields are gone through. */
typedef struct {
    Key key;
    Text commits, document;
    int applied, tied;
} Taking;

/* Writes `"field",rank,won,` into both texts, and behind it what each of them wants. */
static int put_change(Taking *taking, PyObject *field, PyObject *rank, PyObject *value,
                      const Effect *effect) {
    Text *document = &taking->document, *commits = &taking->commits;
    size_t length, start = document->used, pair;
    char commit[64];
    const char *name = utf8_of(field, &length);
    if (name == NULL) return -1;
    if (document->used > 1 && PUT(document, ",") < 0) return -1;
    start = document->used;
    if (PUT(document, "[") < 0 || put_quoted(document, name, length) < 0) return -1;
    if (PUT(document, ",") < 0 || put_canonical(document, rank) < 0) return -1;
    if ((effect->won ? PUT(document, ",true,") : PUT(document, ",false,")) < 0) return -1;
    pair = document->used;
    if (put_canonical(document, effect->before) < 0 || PUT(document, ",") < 0) return -1;
    if (put_canonical(document, value) < 0 || PUT(document, "]") < 0) return -1;
    /* `[before,stated]`: the comma before it is a bracket for as long as it is hashed. */
    document->at[pair - 1] = '[';
    salted(&taking->key, "field:", 6, name, length, document->at + pair - 1,
           document->used - pair + 1, commit);
    document->at[pair - 1] = ',';
    if (commits->used > 1 && PUT(commits, ",") < 0) return -1;
    if (put(commits, document->at + start, pair - start) < 0 || PUT(commits, "\"") < 0) return -1;
    return put(commits, commit, 64) < 0 ? -1 : PUT(commits, "\"]");
}

/* Folds and proves every field of an event: 0, or -1 with an exception. */
static int go_through(Taking *taking, PyObject *lanes, PyObject *stamp, PyObject *const *event,
                      PyObject *ranks, PyObject *lane_type) {
    Py_ssize_t size = PyTuple_Size(event[FIELDS]);
    if (PUT(&taking->commits, "[") < 0 || PUT(&taking->document, "[") < 0) return -1;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *field = PyTuple_GetItem(event[FIELDS], i), *rank = PyTuple_GetItem(ranks, i);
        PyObject *value = PyTuple_GetItem(event[VALUES], i);
        Effect effect;
        int done = fold(lanes, stamp, field, rank, value, lane_type, &effect);
        if (done == 0) done = put_change(taking, field, rank, value, &effect);
        Py_XDECREF(effect.before);
        if (done < 0) return -1;
        taking->applied |= effect.won;
        taking->tied |= effect.tied;
    }
    return PUT(&taking->commits, "]") < 0 ? -1 : PUT(&taking->document, "]");
}

/* An event as the ledger names it, of which `digest` has 64 hexadecimal digits. */
static int put_event(Text *text, const char *digest, PyObject *id, PyObject *sequence,
                     PyObject *source, PyObject *time, PyObject *type) {
    if (PUT(text, "{\"digest\":\"") < 0 || put(text, digest, 64) < 0) return -1;
    if (PUT(text, "\",\"id\":") < 0 || put_text(text, id) < 0) return -1;
    if (PUT(text, ",\"sequence\":") < 0 || put_text_or_null(text, sequence) < 0) return -1;
    if (PUT(text, ",\"source\":") < 0 || put_text(text, source) < 0) return -1;
    if (PUT(text, ",\"time\":") < 0 || put_text(text, time) < 0) return -1;
    if (PUT(text, ",\"type\":") < 0 || put_text(text, type) < 0) return -1;
    return PUT(text, "}");
}

/* What the hash of an entry is taken of, in the order of RFC 8785. */
static int put_entry(Text *text, PyObject *const *envelope, const char *event_digest,
                     const char *changes_digest, int applied, PyObject *prev, PyObject *record,
                     PyObject *recorded_at, PyObject *sender, PyObject *version) {
    if (PUT(text, "{\"changes_digest\":\"") < 0 || put(text, changes_digest, 64) < 0) return -1;
    if (PUT(text, "\",\"event\":") < 0) return -1;
    if (put_event(text, event_digest, envelope[ID], envelope[SEQUENCE], envelope[SOURCE],
                  envelope[TIME], envelope[TYPE]) < 0)
        return -1;
    if ((applied ? PUT(text, ",\"outcome\":\"applied\"")
                 : PUT(text, ",\"outcome\":\"superseded\"")) < 0)
        return -1;
    if (PUT(text, ",\"prev\":") < 0 || put_text(text, prev) < 0) return -1;
    if (PUT(text, ",\"record\":") < 0 || put_text(text, record) < 0) return -1;
    if (PUT(text, ",\"recorded_at\":") < 0 || put_text(text, recorded_at) < 0) return -1;
    if (PUT(text, ",\"sender\":") < 0 || put_text_or_null(text, sender) < 0) return -1;
    if (PUT(text, ",\"v\":1,\"version\":") < 0 || put_canonical(text, version) < 0) return -1;
    return PUT(text, "}");
}

/* The stamp of an event, or NULL with an exception. */
static PyObject *stamp_of(PyObject *const *envelope, PyObject *type) {
    PyObject *sequence;
    if (envelope[SEQUENCE] == Py_None) {
        sequence = PyLong_FromLong(0);
    } else {
        size_t length;
        const char *digits = utf8_of(envelope[SEQUENCE], &length);
        if (digits != NULL && strlen(digits) != length) {
            refuse();
            digits = NULL;
        }
        sequence = digits == NULL ? NULL
                   : length == 0  ? PyLong_FromLong(0)
                                  : PyLong_FromString(digits, NULL, 10);
    }
    PyObject *parts[] = {envelope[TIME], sequence, envelope[SOURCE], envelope[ID]};
    PyObject *stamp = made(type, parts, 4);
    Py_XDECREF(sequence);
    return stamp;
}

/* The next version of a record: NULL with an exception. */
static PyObject *next_version(PyObject *version) {
    if (!PyLong_Check(version)) {
        PyErr_SetString(PyExc_TypeError, "A record's version is a number.");
        return NULL;
    }
    long long number = PyLong_AsLongLong(version);
    if (number == -1 && PyErr_Occurred()) return NULL;
    if (number < LLONG_MAX) return PyLong_FromLongLong(number + 1);
    PyErr_SetString(PyExc_ValueError, "A version is beyond all numbers.");
    return NULL;
}

PyDoc_STRVAR(take_doc, "take(record, event, ranks, sender, recorded_at, salt, owned, shapes) -> "
                       "(record, entry, tied)");

static PyObject *take(PyObject *Py_UNUSED(module), PyObject *const *given, Py_ssize_t count) {
    PyObject *before[RECORD_PARTS], *event[EVENT_PARTS], *envelope[ENVELOPE_PARTS], *shapes[SHAPES];
    char *salt, *core;
    Py_ssize_t salt_length, core_length;
    if (count != 8) {
        PyErr_SetString(PyExc_TypeError, "take takes what its description names.");
        return NULL;
    }
    PyObject *ranks = given[2], *sender = given[3], *recorded_at = given[4];
    if (parts_of(given[0], before, RECORD_PARTS) < 0) return NULL;
    if (parts_of(given[1], event, EVENT_PARTS) < 0) return NULL;
    if (parts_of(event[ENVELOPE], envelope, ENVELOPE_PARTS) < 0) return NULL;
    if (parts_of(given[7], shapes, SHAPES) < 0) return NULL;
    if (PyBytes_AsStringAndSize(given[5], &salt, &salt_length) < 0) return NULL;
    if (PyBytes_AsStringAndSize(event[CORE], &core, &core_length) < 0) return NULL;
    for (int i = LANE; i <= TAKEN; i++)
        if (!PyType_Check(shapes[i]) ||
            !PyType_IsSubtype((PyTypeObject *)shapes[i], &PyTuple_Type)) {
            PyErr_SetString(PyExc_TypeError, "The shapes are the named tuples of the core.");
            return NULL;
        }
    if (!PyUnicode_Check(event[KIND]) || !PyUnicode_Check(event[KEY])) {
        PyErr_SetString(PyExc_TypeError, "A record's kind and key are text.");
        return NULL;
    }
    if (!PyDict_Check(before[LANES]) || salt_length > 64 || !PyTuple_Check(event[FIELDS]) ||
        !PyTuple_Check(event[VALUES]) || !PyTuple_Check(ranks) ||
        PyTuple_Size(event[VALUES]) != PyTuple_Size(event[FIELDS]) ||
        PyTuple_Size(ranks) != PyTuple_Size(event[FIELDS])) {
        PyErr_SetString(PyExc_TypeError, "take needs lanes, and fields, ranks and values alike.");
        return NULL;
    }
    Taking taking;
    char event_digest[64], changes_digest[64], entry_hash[64];
    PyObject *taken = NULL, *document = NULL, *record = NULL, *ref = NULL, *entry = NULL;
    PyObject *event_hex = NULL, *changes_hex = NULL, *hash = NULL;
    begin(&taking.commits);
    begin(&taking.document);
    taking.applied = taking.tied = 0;
    PyObject *lanes = NULL, *stamp = NULL, *version = NULL, *record_key = NULL;
    if ((stamp = stamp_of(envelope, shapes[STAMP])) == NULL) goto done;
    if ((version = next_version(before[VERSION])) == NULL) goto done;
    if ((record_key = PyUnicode_FromFormat("%U/%U", event[KIND], event[KEY])) == NULL) goto done;
    lanes = given[6] == Py_True ? Py_NewRef(before[LANES]) : PyDict_Copy(before[LANES]);
    if (lanes == NULL) goto done;

    begin_hmac(&taking.key, (unsigned char *)salt, (size_t)salt_length);
    salted(&taking.key, "event", 5, "", 0, core, (size_t)core_length, event_digest);
    if (go_through(&taking, lanes, stamp, event, ranks, shapes[LANE]) < 0) goto done;
    hashed(taking.commits.at, taking.commits.used, changes_digest);
    taking.commits.used = 0;
    if (put_entry(&taking.commits, envelope, event_digest, changes_digest, taking.applied,
                  before[HEAD], record_key, recorded_at, sender, version) < 0)
        goto done;
    hashed(taking.commits.at, taking.commits.used, entry_hash);

    event_hex = PyUnicode_FromStringAndSize(event_digest, 64);
    changes_hex = PyUnicode_FromStringAndSize(changes_digest, 64);
    hash = PyUnicode_FromStringAndSize(entry_hash, 64);
    document = PyBytes_FromStringAndSize(taking.document.at, (Py_ssize_t)taking.document.used);
    PyObject *named[] = {envelope[SOURCE], envelope[ID],       envelope[TYPE],
                         envelope[TIME],   envelope[SEQUENCE], event_hex};
    ref = made(shapes[EVENT_REF], named, REF_PARTS);
    PyObject *proven[] = {envelope[UID], record_key,  version,
                          before[HEAD],  hash,        ref,
                          sender,        recorded_at, shapes[taking.applied ? APPLIED : SUPERSEDED],
                          changes_hex,   document,    given[5],
                          Py_None};
    entry = made(shapes[ENTRY], proven, 13);
    PyObject *after[] = {before[RECORD_KIND], before[RECORD_KEY], lanes, version, hash,
                         recorded_at,         before[ERASURES]};
    record = made(shapes[RECORD], after, RECORD_PARTS);
    PyObject *come[] = {record, entry, taking.tied ? Py_True : Py_False};
    taken = made(shapes[TAKEN], come, 3);
done:
    end(&taking.commits);
    end(&taking.document);
    Py_XDECREF(lanes);
    Py_XDECREF(stamp);
    Py_XDECREF(version);
    Py_XDECREF(record_key);
    Py_XDECREF(document);
    Py_XDECREF(event_hex);
    Py_XDECREF(changes_hex);
    Py_XDECREF(hash);
    Py_XDECREF(ref);
    Py_XDECREF(entry);
    Py_XDECREF(record);
    return taken;
}

/* DEFLATE (RFC 1951) with fixed codes and a preset dictionary -------------------------------------

   For documents of a kilobyte that are mostly the dictionary's words: zlib copies thirty times as
   much state for each as it compresses. What is made here, zlib unmakes. */

#define HASH_BITS 11
#define LONGEST_MATCH 258
#define FARTHEST 3834      /* as zlib with a window of 4,096 bytes */
#define MOST_TRIES 6       /* of places where a match may begin */
#define LONGEST_TEXT 60000 /* with the dictionary; places are numbered in 16 bits */
#define NOWHERE 0xFFFF

typedef struct {
    uint32_t bits;
    uint8_t count;
} Code;

static Code literal_codes[256], length_codes[LONGEST_MATCH + 1];
static uint8_t distance_codes[30]; /* five bits, turned round */

static uint32_t turned(uint32_t bits, int count) {
    uint32_t result = 0;
    while (count--) {
        result = result << 1 | (bits & 1);
        bits >>= 1;
    }
    return result;
}

static void make_codes(void) {
    for (uint32_t i = 0; i < 144; i++) literal_codes[i] = (Code){turned(0x30 + i, 8), 8};
    for (uint32_t i = 144; i < 256; i++) literal_codes[i] = (Code){turned(0x190 + i - 144, 9), 9};
    for (uint32_t i = 0; i < 30; i++) distance_codes[i] = (uint8_t)turned(i, 5);
    uint32_t length = 3;
    for (uint32_t symbol = 257; symbol < 285; symbol++) {
        int extra = symbol < 265 ? 0 : (int)(symbol - 261) / 4;
        for (uint32_t more = 0; more < 1U << extra && length < LONGEST_MATCH; more++, length++) {
            Code code = symbol < 280 ? (Code){turned(symbol - 256, 7), 7}
                                     : (Code){turned(0xC0 + symbol - 280, 8), 8};
            code.bits |= more << code.count;
            code.count = (uint8_t)(code.count + extra);
            length_codes[length] = code;
        }
    }
    length_codes[LONGEST_MATCH] = (Code){turned(0xC0 + 285 - 280, 8), 8};
}

static struct {
    PyObject *source; /* the dictionary, kept alive */
    const unsigned char *bytes;
    size_t length;
    uint16_t first[1 << HASH_BITS], next[4096]; /* places of the dictionary by hash, last first */
} primed;

static uint32_t hash_at(const unsigned char *at) {
    return (((uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]) * 2654435761U) >>
           (32 - HASH_BITS);
}

/* Makes the dictionary ready unless it is: 0, or -1 with ValueError. */
static int prime(PyObject *dictionary) {
    if (dictionary == primed.source) return 0;
    char *bytes;
    Py_ssize_t length;
    if (!PyBytes_CheckExact(dictionary)) { /* which runs no Python when it is let go */
        PyErr_SetString(PyExc_TypeError, "A dictionary is bytes.");
        return -1;
    }
    if (PyBytes_AsStringAndSize(dictionary, &bytes, &length) < 0) return -1;
    if (length < 3 || length > 4096) {
        PyErr_SetString(PyExc_ValueError, "A dictionary has 3 to 4,096 bytes.");
        return -1;
    }
    Py_INCREF(dictionary);
    Py_XDECREF(primed.source);
    primed.source = dictionary;
    primed.bytes = (const unsigned char *)bytes;
    primed.length = (size_t)length;
    memset(primed.first, 0xFF, sizeof primed.first);
    for (size_t at = 0; at + 3 <= primed.length; at++) {
        uint32_t hash = hash_at(primed.bytes + at);
        primed.next[at] = primed.first[hash];
        primed.first[hash] = (uint16_t)at;
    }
    return 0;
}

typedef struct {
    unsigned char *to;
    uint64_t bits;
    int count;
} Bits;

static void put_bits(Bits *out, uint32_t bits, int count) {
    out->bits |= (uint64_t)bits << out->count;
    out->count += count;
    while (out->count >= 8) {
        *out->to++ = (unsigned char)out->bits;
        out->bits >>= 8;
        out->count -= 8;
    }
}

static void put_match(Bits *out, size_t length, size_t distance) {
    Code code = length_codes[length];
    put_bits(out, code.bits, code.count);
    uint32_t beyond = (uint32_t)distance - 1;
    int extra = 0;
    while (beyond >> (extra + 2)) extra++;
    uint32_t symbol = 2U * (uint32_t)extra + (beyond >> extra);
    put_bits(out, distance_codes[symbol] | (beyond & ((1U << extra) - 1)) << 5, 5 + extra);
}

/* The text deflated, after the dictionary that stands before it in the same buffer.

   `text` begins with the dictionary; what is deflated is from `begin_at` to `length`. `next` has
   room for as many places. Literals have at most 9 bits, so `out` needs (9 n + 10) / 8 bytes. */
static size_t deflated(const unsigned char *text, size_t begin_at, size_t length, uint16_t *next,
                       unsigned char *out) {
    uint16_t first[1 << HASH_BITS];
    memset(first, 0xFF, sizeof first);
    Bits bits = {out, 0, 0};
    put_bits(&bits, 3, 3); /* the last block, and one of fixed codes */
    size_t at = begin_at;
    while (at < length) {
        size_t best = 0, distance = 0;
        size_t most = length - at < LONGEST_MATCH ? length - at : LONGEST_MATCH;
        if (most >= 3) {
            uint32_t hash = hash_at(text + at);
            uint16_t place = first[hash];
            if (place == NOWHERE) place = primed.first[hash];
            for (int tries = MOST_TRIES; place != NOWHERE && tries--;) {
                if (at - place > FARTHEST) break;
                const unsigned char *there = text + place, *here = text + at;
                if (there[best] == here[best]) {
                    size_t same = 0;
                    while (same < most && there[same] == here[same]) same++;
                    if (same > best && same >= 3) {
                        best = same;
                        distance = at - place;
                        if (same == most) break;
                    }
                }
                if (place >= begin_at) {
                    place = next[place];
                    if (place == NOWHERE) place = primed.first[hash];
                } else {
                    place = primed.next[place];
                }
            }
        }
        size_t step = best ? best : 1;
        if (best) put_match(&bits, best, distance);
        else put_bits(&bits, literal_codes[text[at]].bits, literal_codes[text[at]].count);
        for (size_t to = at + step; at < to; at++) {
            if (at + 3 > length) continue;
            uint32_t hash = hash_at(text + at);
            next[at] = first[hash];
            first[hash] = (uint16_t)at;
        }
    }
    put_bits(&bits, 0, 7); /* the end of the block */
    if (bits.count) put_bits(&bits, 0, 8 - bits.count);
    return (size_t)(bits.to - out);
}

/* adapters/documents.py ----------------------------------------------------------------------- */

#define WORTH_TRYING 320

static int put_base64(Text *text, const unsigned char *from, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (reserve(text, (length + 2) / 3 * 4) < 0) return -1;
    char *to = text->at + text->used;
    for (; length >= 3; from += 3, length -= 3) {
        uint32_t three = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];
        *to++ = digits[three >> 18];
        *to++ = digits[three >> 12 & 63];
        *to++ = digits[three >> 6 & 63];
        *to++ = digits[three & 63];
    }
    if (length) {
        uint32_t rest = (uint32_t)from[0] << 16 | (length == 2 ? (uint32_t)from[1] << 8 : 0);
        *to++ = digits[rest >> 18];
        *to++ = digits[rest >> 12 & 63];
        *to++ = length == 2 ? digits[rest >> 6 & 63] : '=';
        *to++ = '=';
    }
    text->used = (size_t)(to - text->at);
    return 0;
}

/* A document in its stored form as base64; how many bytes that form has, or -1. */
static Py_ssize_t put_packed(Text *text, const char *document, size_t length) {
    const unsigned char *plain = (const unsigned char *)document;
    size_t whole = primed.length + length;
    if (length < WORTH_TRYING || whole > LONGEST_TEXT)
        return put_base64(text, plain, length) < 0 ? -1 : (Py_ssize_t)length;
    size_t room = length + length / 8 + 16;
    unsigned char *buffer = PyMem_Malloc(whole + room + whole * sizeof(uint16_t) + 2);
    if (buffer == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    uint16_t *next = (uint16_t *)(void *)buffer; /* first, so that it is aligned */
    unsigned char *both = buffer + whole * sizeof(uint16_t), *out = both + whole;
    memcpy(both, primed.bytes, primed.length);
    memcpy(both + primed.length, plain, length);
    out[0] = 1;
    size_t size = 1 + deflated(both, primed.length, whole, next, out + 1);
    int done = size < length ? put_base64(text, out, size) : put_base64(text, plain, length);
    PyMem_Free(buffer);
    return done < 0 ? -1 : (Py_ssize_t)(size < length ? size : length);
}

/* entry_action --------------------------------------------------------------------------------- */

/* The places of core/ledger.py:LedgerEntry. */
enum {
    EVENT_UID,
    RECORD_NAME,
    NUMBER,
    PREV,
    ENTRY_HASH,
    EVENT,
    SENDER,
    RECORDED_AT,
    OUTCOME,
    CHANGES_DIGEST,
    DOCUMENT,
    SALT,
    SALTS,
    ENTRY_PARTS
};

static int put_attribute(Text *text, const char *name, PyObject *value) {
    if (put(text, name, strlen(name)) < 0 || put_text(text, value) < 0) return -1;
    return PUT(text, "}");
}

/* The document of the event in its stored form as base64; how many bytes that has, or -1. */
static Py_ssize_t put_event_document(Text *text, PyObject *event) {
    PyObject *part[REF_PARTS];
    size_t length;
    if (parts_of(event, part, REF_PARTS) < 0) return -1;
    const char *digest = utf8_of(part[REF_DIGEST], &length);
    if (digest == NULL) return -1;
    if (length != 64 || strspn(digest, HEX) != 64) {
        PyErr_SetString(PyExc_ValueError, "A digest has 64 hexadecimal digits.");
        return -1;
    }
    Text document;
    begin(&document);
    Py_ssize_t size = put_event(&document, digest, part[REF_ID], part[REF_SEQUENCE],
                                part[REF_SOURCE], part[REF_TIME], part[REF_TYPE]);
    if (size == 0) size = put_packed(text, document.at, document.used);
    end(&document);
    return size;
}

/* The bytes that the two documents take, or -1 with an exception. */
static Py_ssize_t put_action(Text *text, PyObject *table, PyObject *const *part) {
    char *salt, *changes;
    Py_ssize_t salt_length, length, event_size, changes_size;
    if (PyBytes_AsStringAndSize(part[SALT], &salt, &salt_length) < 0) return -1;
    if (PyBytes_AsStringAndSize(part[DOCUMENT], &changes, &length) < 0) return -1;
    if (PUT(text, "{\"Put\":{\"Item\":{\"changes\":{\"B\":\"") < 0) return -1;
    if ((changes_size = put_packed(text, changes, (size_t)length)) < 0) return -1;
    if (PUT(text, "\"},\"event\":{\"B\":\"") < 0) return -1;
    if ((event_size = put_event_document(text, part[EVENT])) < 0) return -1;
    if (PUT(text, "\"},\"salt\":{\"B\":\"") < 0) return -1;
    if (put_base64(text, (unsigned char *)salt, (size_t)salt_length) < 0) return -1;
    if (put_attribute(text, "\"},\"event_uid\":{\"S\":", part[EVENT_UID]) < 0) return -1;
    if (put_attribute(text, ",\"record_key\":{\"S\":", part[RECORD_NAME]) < 0) return -1;
    if (PUT(text, ",\"version\":{\"N\":\"") < 0 || put_canonical(text, part[NUMBER]) < 0) return -1;
    if (put_attribute(text, "\"},\"prev\":{\"S\":", part[PREV]) < 0) return -1;
    if (put_attribute(text, ",\"entry_hash\":{\"S\":", part[ENTRY_HASH]) < 0) return -1;
    if (part[SENDER] != Py_None && put_attribute(text, ",\"sender\":{\"S\":", part[SENDER]) < 0)
        return -1;
    if (put_attribute(text, ",\"recorded_at\":{\"S\":", part[RECORDED_AT]) < 0) return -1;
    if (put_attribute(text, ",\"outcome\":{\"S\":", part[OUTCOME]) < 0) return -1;
    if (put_attribute(text, ",\"changes_digest\":{\"S\":", part[CHANGES_DIGEST]) < 0) return -1;
    if (PUT(text, "},\"TableName\":") < 0 || put_text(text, table) < 0) return -1;
    if (PUT(text, ",\"ConditionExpression\":\"attribute_not_exists(event_uid)\"}}") < 0) return -1;
    return changes_size + event_size;
}

PyDoc_STRVAR(entry_action_doc, "entry_action(table, entry, dictionary) -> "
                               "(json, bytes of the documents)");

static PyObject *entry_action(PyObject *Py_UNUSED(module), PyObject *const *given,
                              Py_ssize_t count) {
    PyObject *part[ENTRY_PARTS];
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "entry_action takes what its description names.");
        return NULL;
    }
    if (parts_of(given[1], part, ENTRY_PARTS) < 0) return NULL;
    if (prime(given[2]) < 0) return NULL;
    Text text;
    begin(&text);
    PyObject *both = NULL;
    Py_ssize_t size = put_action(&text, given[0], part);
    if (size >= 0) both = Py_BuildValue("(y#n)", text.at, (Py_ssize_t)text.used, size);
    end(&text);
    return both;
}

/* The module ---------------------------------------------------------------------------------- */

static PyMethodDef methods[] = {
    {"take", (PyCFunction)(void (*)(void))take, METH_FASTCALL, take_doc},
    {"entry_action", (PyCFunction)(void (*)(void))entry_action, METH_FASTCALL, entry_action_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_loops",
    "The innermost loops of a batch, compiled.",
    -1,
    methods,
    NULL,
    NULL,
    NULL,
    NULL,
};

PyMODINIT_FUNC PyInit__loops(void) {
    if (!found_sha()) {
        PyErr_SetString(
            PyExc_ImportError,
            "There is no libcrypto that hashlib has loaded; the plain loops do the work.");
        return NULL;
    }
    make_codes();
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddIntConstant(module, "FORM", 1) < 0) Py_CLEAR(module);
    return module;
}
