// libsystemd as Swift sees it: readiness, watchdog, journal, credentials.
#include <sys/prctl.h>

// The source location macros would record this header's callers as C lines; they say nothing useful from Swift.
#define SD_JOURNAL_SUPPRESS_LOCATION 1
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

// prctl(2) is variadic, and Swift does not import variadic functions.
static inline int csystemd_set_dumpable(int dumpable) {
    return prctl(PR_SET_DUMPABLE, (unsigned long)dumpable, 0UL, 0UL, 0UL);
}

static inline int csystemd_get_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
}
