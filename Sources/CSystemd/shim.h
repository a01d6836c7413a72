// libsystemd as Swift sees it: readiness, watchdog, journal, credentials.
// No _GNU_SOURCE: the C library's types would differ from those Swift has already read, and the compiler refuses both.
#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// The source location macros would record this header's callers as C lines; they say nothing useful from Swift.
#define SD_JOURNAL_SUPPRESS_LOCATION 1
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <malloc.h>

// Swift's Glibc module has no malloc.h.
static inline int csystemd_limit_arenas(int count) {
    return mallopt(M_ARENA_MAX, count);
}

static inline int csystemd_trim_memory(void) { return malloc_trim(0); }

// prctl(2) is variadic, and Swift does not import variadic functions.
static inline int csystemd_set_dumpable(int dumpable) {
    return prctl(PR_SET_DUMPABLE, (unsigned long)dumpable, 0UL, 0UL, 0UL);
}

static inline int csystemd_get_dumpable(void) {
    return prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
}

static inline int csystemd_become_subreaper(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
}

// memfd_create(2), which is behind _GNU_SOURCE; closed on exec.
static inline int csystemd_memory_file(void) { return (int)syscall(SYS_memfd_create, "tokenvigil", 1U); }

// struct ucred, which is behind _GNU_SOURCE.
struct csystemd_ucred {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

// Who connected: 0, or -1 where the kernel does not say.
static inline int csystemd_peer(int fd, unsigned int *uid, unsigned int *gid) {
    struct csystemd_ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer) return -1;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

// The supplementary groups of who connected: their number, or -1 where there are more than `count` or none are known.
static inline int csystemd_peer_groups(int fd, unsigned int *groups, unsigned int count) {
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
    socklen_t size = count * (socklen_t)sizeof(gid_t);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0) return -1;
    return (int)(size / sizeof(gid_t));
}
