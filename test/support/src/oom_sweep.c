/* oom_sweep.c - see the header; every run is judged by what it left behind. */
#include <weir/testing/oom_sweep.h>

#include <weir/core/leak.h>
#include <weir/testing/test.h>
#include <weir/testing/tracking_alloc.h>

enum {
    MOST_ALLOCATIONS = 5000
};

struct sweep {
    weir_oom_scenario_fn *scenario;
    void *arg;
    size_t blocks;
    int64_t alive;
};

static bool left_nothing(const struct sweep *self, const char *how, uint64_t n) {
    size_t blocks = weir_tracking_alloc_live(weir_test_alloc());
    int64_t alive = weir_leak_report(NULL);
    if (blocks == self->blocks && alive == self->alive) return true;
    weir_tracking_alloc_report(weir_test_alloc(), stderr);
    weir_leak_report(stderr);
    weir_test_fail("oom_sweep", 0, "%s %llu: blocks left %zu, before %zu; objects left %lld, before %lld",
                   how, (unsigned long long)n, blocks, self->blocks, (long long)alive,
                   (long long)self->alive);
    return false;
}

static bool survives_failure(const struct sweep *self, uint64_t n) {
    weir_tracking_alloc_fail_nth(weir_test_alloc(), n);
    self->scenario(self->arg);
    if (!left_nothing(self, "failing only allocation", n)) return false;
    weir_tracking_alloc_fail_from(weir_test_alloc(), n);
    self->scenario(self->arg);
    return left_nothing(self, "failing from allocation", n);
}

uint64_t weir_oom_sweep(weir_oom_scenario_fn *scenario, void *arg) {
    weir_tracking_alloc *alloc = weir_test_alloc();
    struct sweep sweep = {scenario, arg, weir_tracking_alloc_live(alloc), weir_leak_report(NULL)};
    weir_tracking_alloc_fail_never(alloc);
    bool succeeded = scenario(arg);
    uint64_t total = weir_tracking_alloc_calls(alloc);
    if (!succeeded) weir_test_fail("oom_sweep", 0, "the scenario failed with all memory it wanted");
    if (total == 0) weir_test_fail("oom_sweep", 0, "the scenario allocates nothing");
    if (total > MOST_ALLOCATIONS) {
        weir_test_fail("oom_sweep", 0, "%llu allocations are too many to sweep", (unsigned long long)total);
    }
    bool sound = succeeded && total <= MOST_ALLOCATIONS && left_nothing(&sweep, "failing none of", total);
    for (uint64_t n = 0; sound && n < total; n++) sound = survives_failure(&sweep, n);
    weir_tracking_alloc_fail_never(alloc);
    return total;
}
