// libsystemd as Swift sees it: readiness, watchdog, journal, credentials.
// The source location macros would record this header's callers as C lines; they say nothing useful from Swift.
#define SD_JOURNAL_SUPPRESS_LOCATION 1
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
