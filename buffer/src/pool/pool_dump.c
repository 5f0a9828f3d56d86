/* pool_dump.c - the numbers of a pool as lines for people, and as JSON (RFC 8259). */
#include "pool_inside.h"

#include <inttypes.h>

/* ---- lines ------------------------------------------------------------------------------------ */

static void dump_classes(const pool_sum *sum, FILE *out) {
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) {
        const weir_pool_class *class = &sum->classes[i];
        if (class->gets == 0) continue;
        if (i == SIZE_CLASS_LARGE) {
            fprintf(out, "    larger");
        } else {
            fprintf(out, "  %8zu", class->size);
        }
        fprintf(out, ": %" PRIu64 " out, %" PRIu64 " ready, %" PRIu64 " gets, %" PRIu64 " refills\n",
                class->live, class->cached, class->gets, class->refills);
    }
}

static void dump_totals(const weir_pool_stats *all, FILE *out) {
    fprintf(out, "  out: %" PRIu64 " bufs of %" PRIu64 " bytes, %" PRIu64 " asked for\n", all->live,
            all->active, all->requested);
    fprintf(out, "  held: %" PRIu64 " bytes cached, %" PRIu64 " at most ever, %" PRIu64 " resident, limit ",
            all->cached, all->peak, all->resident);
    if (all->limit == 0) {
        fprintf(out, "none\n");
    } else {
        fprintf(out, "%" PRIu64 "\n", all->limit);
    }
    fprintf(out,
            "  gets %" PRIu64 ", releases %" PRIu64 " (foreign %" PRIu64 "), refills %" PRIu64
            ", failures %" PRIu64 "\n",
            all->gets, all->releases, all->foreign, all->refills, all->failures);
}

void weir_pool_dump(weir_pool *pool, FILE *out) {
    pool_sum sum;
    pool_add_up(pool, &sum);
    fprintf(out, "pool %s on %s%s%s, magazines: %" PRIu32 "\n", pool->name, weir_pool_backend_name(pool),
            sum.all.huge_pages ? ", huge pages" : "", sum.all.locked ? ", locked" : "", sum.all.magazines);
    dump_totals(&sum.all, out);
    dump_classes(&sum, out);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

/* A string between quotes. What is no UTF-8 stays as it is: names are the program's own. */
static void print_string(const char *text, FILE *out) {
    fputc('"', out);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            fprintf(out, "\\%c", *at);
        } else if ((unsigned char)*at < 0x20) {
            fprintf(out, "\\u%04x", (unsigned)*at);
        } else {
            fputc(*at, out);
        }
    }
    fputc('"', out);
}

static void print_number(const char *name, uint64_t value, FILE *out) {
    fprintf(out, ",\"%s\":%" PRIu64, name, value);
}

static void print_class(const weir_pool_class *class, FILE *out) {
    fprintf(out, "{\"size\":%zu", class->size);
    print_number("gets", class->gets, out);
    print_number("releases", class->releases, out);
    print_number("foreign", class->foreign, out);
    print_number("refills", class->refills, out);
    print_number("live", class->live, out);
    print_number("cached", class->cached, out);
    fputc('}', out);
}

static void print_totals(const weir_pool_stats *all, FILE *out) {
    print_number("gets", all->gets, out);
    print_number("releases", all->releases, out);
    print_number("foreign", all->foreign, out);
    print_number("refills", all->refills, out);
    print_number("failures", all->failures, out);
    print_number("live", all->live, out);
    print_number("active", all->active, out);
    print_number("cached", all->cached, out);
    print_number("requested", all->requested, out);
    print_number("peak", all->peak, out);
    print_number("resident", all->resident, out);
    print_number("limit", all->limit, out);
    print_number("magazines", all->magazines, out);
    fprintf(out, ",\"huge_pages\":%s,\"locked\":%s", all->huge_pages ? "true" : "false",
            all->locked ? "true" : "false");
}

void weir_pool_dump_json(weir_pool *pool, FILE *out) {
    pool_sum sum;
    pool_add_up(pool, &sum);
    fputs("{\"name\":", out);
    print_string(pool->name, out);
    fputs(",\"backend\":", out);
    print_string(weir_pool_backend_name(pool), out);
    print_totals(&sum.all, out);
    fputs(",\"classes\":[", out);
    const char *comma = "";
    for (unsigned i = 0; i <= SIZE_CLASS_COUNT; i++) {
        if (sum.classes[i].gets == 0) continue;
        fputs(comma, out);
        print_class(&sum.classes[i], out);
        comma = ",";
    }
    fputs("]}\n", out);
}
