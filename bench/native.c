/* What a native step would give: one person's plain identifiers spelled, hashed and laid out
   as JSON in one call. A measurement, no part of the product: bench/build.py compiles it.

   It knows the plain cases only (ASCII, United States) and answers None for any other value,
   which `core.identity` would then have to spell. SHA-256 is after FIPS 180-4. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>
#ifdef __SHA__
#include <immintrin.h>
#endif

static const uint32_t K[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t START[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

#ifdef __SHA__
/* The state is kept as the instructions want it: (a, b, e, f) and (c, d, g, h). */
static void block(uint32_t *state, const uint8_t *bytes) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL);
    __m128i abef = _mm_set_epi32(state[0], state[1], state[4], state[5]);
    __m128i cdgh = _mm_set_epi32(state[2], state[3], state[6], state[7]);
    const __m128i abef0 = abef, cdgh0 = cdgh;
    __m128i w[4];
    for (int i = 0; i < 4; i++)
        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)bytes + i), swap);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        __m128i sum = _mm_add_epi32(w[i & 3], _mm_load_si128((const __m128i *)K + i));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
        if (i < 12) {
            __m128i last = w[(i + 3) & 3];
            __m128i next = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
            next = _mm_add_epi32(next, _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
            w[i & 3] = _mm_sha256msg2_epu32(next, last);
        }
    }
    abef = _mm_add_epi32(abef, abef0);
    cdgh = _mm_add_epi32(cdgh, cdgh0);
    state[0] = _mm_extract_epi32(abef, 3), state[1] = _mm_extract_epi32(abef, 2);
    state[4] = _mm_extract_epi32(abef, 1), state[5] = _mm_extract_epi32(abef, 0);
    state[2] = _mm_extract_epi32(cdgh, 3), state[3] = _mm_extract_epi32(cdgh, 2);
    state[6] = _mm_extract_epi32(cdgh, 1), state[7] = _mm_extract_epi32(cdgh, 0);
}
#else
#define ROTR(x, n) ((x) >> (n) | (x) << (32 - (n)))
static void block(uint32_t *state, const uint8_t *bytes) {
    uint32_t w[64], v[8];
    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)bytes[4 * t] << 24 | bytes[4 * t + 1] << 16 | bytes[4 * t + 2] << 8 |
               bytes[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];
        w[t] = (ROTR(y, 17) ^ ROTR(y, 19) ^ y >> 10) + w[t - 7] +
               (ROTR(x, 7) ^ ROTR(x, 18) ^ x >> 3) + w[t - 16];
    }
    memcpy(v, state, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t a = v[0], e = v[4];
        uint32_t one = v[7] + (ROTR(e, 6) ^ ROTR(e, 11) ^ ROTR(e, 25)) +
                       ((e & v[5]) ^ (~e & v[6])) + K[t] + w[t];
        uint32_t two = (ROTR(a, 2) ^ ROTR(a, 13) ^ ROTR(a, 22)) +
                       ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one, v[0] = one + two;
    }
    for (int i = 0; i < 8; i++) state[i] += v[i];
}
#endif

/* Longest spelled value: what fits two blocks with its padding. */
enum { LONGEST = 119, ROOM = 8192 };

static char *hashed(char *out, const char *text, size_t length) {
    uint8_t bytes[128] = {0};
    uint32_t state[8];
    size_t end = length < 56 ? 64 : 128;
    memcpy(bytes, text, length);
    bytes[length] = 0x80;
    bytes[end - 2] = length >> 5, bytes[end - 1] = length << 3;
    memcpy(state, START, sizeof state);
    for (size_t at = 0; at < end; at += 64) block(state, bytes + at);
    for (int i = 0; i < 8; i++)
        for (int shift = 28; shift >= 0; shift -= 4)
            *out++ = "0123456789abcdef"[state[i] >> shift & 15];
    return out;
}

typedef struct { const char *at; size_t length; } Text;
typedef int (*Spell)(Text, char *); /* the length of what it wrote; 0 for a case not plain */

static int is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }
static int is_letter(char c) { c = lower(c); return c >= 'a' && c <= 'z'; }

static int email(Text text, char *out) {
    size_t i = 0, label = 0, dots = 0, domain = 0;
    for (; i < text.length; i++) {
        char c = out[i] = lower(text.at[i]);
        if (c == '@') {
            if (domain || !i || i > 64) return 0;
            domain = 1, label = 0;
        } else if (c == '.' && domain) {
            if (!label) return 0;
            dots++, label = 0;
        } else {
            if (!is_letter(c) && !is_digit(c) && c != '-' &&
                (domain || (c != '.' && c != '_' && c != '+')))
                return 0;
            label++;
        }
    }
    return dots && label > 1 ? (int)i : 0;
}

static int phone(Text text, char *out) {
    char digits[LONGEST + 1];
    int count = 0, plus = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (is_digit(c)) {
            if (c == '0' && i && text.at[i - 1] == '(') return 0;
            digits[count++] = c;
        } else if (c == '+') {
            if (count || plus++) return 0;
        } else if (!strchr(" -.()", c)) return 0;
    }
    int national = count == 10 && !plus;
    if (!national && (count != 11 || digits[0] != '1')) return 0;
    if (digits[!national] < '2') return 0;
    out[0] = '1';
    memcpy(out + 1, digits + !national, 10);
    return 11;
}

static int name(Text text, char *out) {
    for (size_t i = 0; i < text.length; i++) {
        if (!is_letter(text.at[i])) return 0;
        out[i] = lower(text.at[i]);
    }
    return text.length < 32 ? (int)text.length : 0;
}

static int city(Text text, char *out) {
    int count = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (is_letter(text.at[i])) out[count++] = lower(text.at[i]);
        else if (text.at[i] != ' ') return 0;
    }
    return text.length < 32 ? count : 0;
}

static int digits(Text text, char *out) {
    for (size_t i = 0; i < text.length; i++)
        if (!is_digit(text.at[i])) return 0;
    memcpy(out, text.at, text.length);
    return (int)text.length;
}

static int date(Text text, char *out) {
    if (text.length != 8 || !digits(text, out)) return 0;
    int month = (out[4] - '0') * 10 + out[5] - '0', day = (out[6] - '0') * 10 + out[7] - '0';
    int century = !memcmp(out, "19", 2) || !memcmp(out, "20", 2);
    return century && month >= 1 && month <= 12 && day >= 1 && day <= 28 ? 8 : 0;
}

static int gender(Text text, char *out) {
    return name(text, out) == 1 && (*out == 'f' || *out == 'm');
}
static int state(Text text, char *out) { return name(text, out) == 2 ? 2 : 0; }
static int postcode(Text text, char *out) { return text.length == 5 ? digits(text, out) : 0; }
static int country(Text text, char *out) {
    return name(text, out) == 2 && !memcmp(out, "us", 2) ? 2 : 0;
}
static int id(Text text, char *out) {
    return text.length > 1 && text.length < 32 ? digits(text, out) : 0;
}

static const struct { const char *key; Spell spell; } FIELDS[] = {
    {"em", email}, {"ph", phone}, {"fn", name}, {"ln", name}, {"db", date}, {"ge", gender},
    {"ct", city}, {"st", state}, {"zp", postcode}, {"country", country}, {"external_id", id},
};
static const char *PLAIN[] = {"client_ip_address", "client_user_agent", "fbc", "fbp"};
enum { HASHED = sizeof FIELDS / sizeof *FIELDS, ALL = HASHED + 4 };

static char *put(char *out, const char *text) {
    size_t length = strlen(text);
    memcpy(out, text, length);
    return out + length;
}

static int read_text(PyObject *value, Text *text, size_t most) {
    if (!PyUnicode_Check(value) || !PyUnicode_IS_COMPACT_ASCII(value)) return 0;
    text->at = PyUnicode_DATA(value);
    text->length = PyUnicode_GET_LENGTH(value);
    return text->length <= most;
}

/* A JSON string; NULL for a text that would need escapes. */
static char *put_string(char *out, PyObject *value) {
    Text text;
    if (!out || !read_text(value, &text, 512)) return NULL;
    *out++ = '"';
    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        if (c < ' ' || c == '"' || c == '\\' || c == 127) return NULL;
        *out++ = c;
    }
    *out++ = '"';
    return out;
}

/* An int or a Decimal as `str` has it. */
static char *put_number(char *out, PyObject *value) {
    PyObject *shown = out ? PyObject_Str(value) : NULL;
    Text text;
    if (!shown) return NULL;
    if (read_text(shown, &text, 64)) {
        memcpy(out, text.at, text.length);
        out += text.length;
    } else out = NULL;
    Py_DECREF(shown);
    return out;
}

static char *put_user(char *out, PyObject *user) {
    if (!PyTuple_Check(user) || PyTuple_GET_SIZE(user) != ALL) return NULL;
    for (int i = 0; i < HASHED; i++) {
        char spelled[LONGEST + 1];
        Text text;
        if (!read_text(PyTuple_GET_ITEM(user, i), &text, LONGEST)) return NULL;
        int length = FIELDS[i].spell(text, spelled);
        if (!length) return NULL;
        out = put(put(put(out, i ? "],\"" : "{\""), FIELDS[i].key), "\":[\"");
        out = put(hashed(out, spelled, length), "\"");
    }
    out = put(out, "]");
    for (int i = 0; i < 4 && out; i++) {
        out = put(put(put(out, ",\""), PLAIN[i]), "\":");
        out = put_string(out, PyTuple_GET_ITEM(user, HASHED + i));
    }
    return out ? put(out, "}") : NULL;
}

/* contents, content_ids and num_items of [(sku, quantity, price), ...] */
static char *put_items(char *out, PyObject *items) {
    Py_ssize_t count = PyList_Check(items) ? PyList_GET_SIZE(items) : 0;
    if (count < 1 || count > 4) return NULL;
    out = put(out, ",\"content_ids\":[");
    for (Py_ssize_t i = 0; i < count && out; i++) {
        if (i) out = put(out, ",");
        out = put_string(out, PyTuple_GET_ITEM(PyList_GET_ITEM(items, i), 0));
    }
    if (out) out = put(out, "],\"contents\":[");
    for (Py_ssize_t i = 0; i < count && out; i++) {
        PyObject *item = PyList_GET_ITEM(items, i);
        out = put_string(put(out, i ? ",{\"id\":" : "{\"id\":"), PyTuple_GET_ITEM(item, 0));
        if (out) out = put_number(put(out, ",\"quantity\":"), PyTuple_GET_ITEM(item, 1));
        if (out) out = put_number(put(out, ",\"item_price\":"), PyTuple_GET_ITEM(item, 2));
        if (out) out = put(out, "}");
    }
    return out ? out + sprintf(out, "],\"num_items\":%d", (int)count) : NULL;
}

static PyObject *answer(const char *start, const char *end) {
    if (!end && !PyErr_Occurred()) Py_RETURN_NONE;
    return end ? PyBytes_FromStringAndSize(start, end - start) : NULL;
}

static PyObject *user_data(PyObject *module, PyObject *user) {
    char out[ROOM];
    return answer(out, put_user(out, user));
}

/* purchase(user, id, time, url, value, currency, items) */
static PyObject *purchase(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    char start[ROOM], *out = put(start, "{\"event_name\":\"Purchase\",\"event_time\":");
    if (count != 7) return PyErr_Format(PyExc_TypeError, "purchase takes 7 arguments");
    out = put_number(out, args[2]);
    if (out) out = put_string(put(out, ",\"event_id\":"), args[1]);
    if (out) out = put_user(put(out, ",\"action_source\":\"website\",\"user_data\":"), args[0]);
    if (out) out = put_string(put(out, ",\"event_source_url\":"), args[3]);
    if (out) out = put_number(put(out, ",\"custom_data\":{\"value\":"), args[4]);
    if (out) out = put_string(put(out, ",\"currency\":"), args[5]);
    if (out) out = put_string(put(out, ",\"content_type\":\"product\",\"order_id\":"), args[1]);
    if (out) out = put_items(out, args[6]);
    return answer(start, out ? put(out, "}}") : NULL);
}

static PyMethodDef METHODS[] = {
    {"user_data", user_data, METH_O, NULL},
    {"purchase", (PyCFunction)(void (*)(void))purchase, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "native", NULL, 0, METHODS};
PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&MODULE); }
