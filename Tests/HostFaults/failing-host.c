// Makes calls of the C library fail as a control block says that the test writes and that lies in the file
// HOST_FAULT_CONTROL, mapped by both. For LD_PRELOAD. What the process starts is left alone.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// The same as in shim.py.
struct control {
    _Atomic uint32_t on;
    int32_t error;           // errno, or with EAI for getaddrinfo what that returns
    uint32_t kinds;          // descriptors that are meant: 1 files, 2 sockets, 4 pipes, 8 others; 0 all
    uint32_t every;          // each so-manieth call
    uint64_t skip, times;    // calls that succeed first; failures, 0 without end
    _Atomic uint64_t seen, failed;
    char call[64];           // which call
    char below[PATH_MAX];    // only paths that begin so, or descriptors of them; empty: all
};

static struct control *control;
static pid_t home;

// Where it trapped, for whoever reads the log of a test that failed.
static void trapped(int number) {
    void *frames[40];
    control = NULL;
    backtrace_symbols_fd(frames, backtrace(frames, 40), STDERR_FILENO);
    signal(number, SIG_DFL);
    raise(number);
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("HOST_FAULT_CONTROL");
    int descriptor = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    void *map = (void *)mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    unsetenv("LD_PRELOAD");
    unsetenv("HOST_FAULT_CONTROL");
    home = getpid();
    void *first[1];
    backtrace(first, 1);  // loads what it needs
    for (const int *number = (int[]){SIGILL, SIGTRAP, SIGSEGV, SIGABRT, SIGBUS, 0}; *number; number++)
        signal(*number, trapped);
    if (map != MAP_FAILED) control = map;
}

static int is_on(const char *call) {
    return control && atomic_load(&control->on) && strcmp(control->call, call) == 0 && getpid() == home;
}

// Without a place it is everything but /proc, which has rows of its own.
static int begins(const char *path) {
    if (!control->below[0]) return strncmp(path, "/proc/", 6) != 0;
    return strncmp(path, control->below, strlen(control->below)) == 0;
}

static int is_meant(int descriptor) {
    struct stat about;
    if (control->kinds) {
        if (fstat(descriptor, &about) != 0) return 0;
        uint32_t kind = S_ISREG(about.st_mode) || S_ISDIR(about.st_mode) ? 1
            : S_ISSOCK(about.st_mode) ? 2 : S_ISFIFO(about.st_mode) ? 4 : 8;
        if (!(control->kinds & kind)) return 0;
    }
    if (!control->below[0]) return 1;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return begins(path);
}

static int counts(void) {
    uint64_t seen = atomic_fetch_add(&control->seen, 1);
    if (seen < control->skip || (control->every > 1 && (seen - control->skip) % control->every)) return 0;
    if (control->times && atomic_load(&control->failed) >= control->times) return 0;
    atomic_fetch_add(&control->failed, 1);
    errno = control->error;
    return 1;
}

static int fails(const char *call) { return is_on(call) && counts(); }
static int fails_at(const char *call, int descriptor) { return is_on(call) && is_meant(descriptor) && counts(); }
static int fails_for(const char *call, const char *path) {
    return is_on(call) && path && begins(path) && counts();
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define CALL(result, name, parameters, arguments, failing, failure) \
    result name parameters { if (failing) return failure; REAL(name); return real arguments; }

#define OPEN(name, parameters, arguments, path) \
    int name parameters { \
        mode_t mode = 0; \
        if (flags & (O_CREAT | __O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
        if (fails_for("open", path)) return -1; \
        REAL(name); \
        return real arguments; \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode), path)
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), path)
OPEN(openat, (int directory, const char *path, int flags, ...), (directory, path, flags, mode), path)
OPEN(openat64, (int directory, const char *path, int flags, ...), (directory, path, flags, mode), path)
CALL(FILE *, fopen, (const char *path, const char *mode), (path, mode), fails_for("open", path), NULL)
CALL(FILE *, fopen64, (const char *path, const char *mode), (path, mode), fails_for("open", path), NULL)
CALL(DIR *, opendir, (const char *path), (path), fails_for("open", path), NULL)

CALL(ssize_t, read, (int fd, void *to, size_t count), (fd, to, count), fails_at("read", fd), -1)
CALL(ssize_t, pread, (int fd, void *to, size_t count, off_t at), (fd, to, count, at), fails_at("read", fd), -1)
CALL(ssize_t, pread64, (int fd, void *to, size_t count, off64_t at), (fd, to, count, at), fails_at("read", fd), -1)
CALL(ssize_t, recv, (int fd, void *to, size_t count, int flags), (fd, to, count, flags), fails_at("recv", fd), -1)
CALL(ssize_t, recvmsg, (int fd, struct msghdr *to, int flags), (fd, to, flags), fails_at("recv", fd), -1)
ssize_t recvfrom(int fd, void *to, size_t count, int flags, struct sockaddr *from, socklen_t *length) {
    if (fails_at("recv", fd)) return -1;
    ssize_t (*real)(int, void *, size_t, int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "recvfrom");
    return real(fd, to, count, flags, from, length);
}

CALL(ssize_t, write, (int fd, const void *from, size_t count), (fd, from, count), fails_at("write", fd), -1)
CALL(ssize_t, pwrite, (int fd, const void *from, size_t count, off_t at), (fd, from, count, at), fails_at("write", fd), -1)
CALL(ssize_t, pwrite64, (int fd, const void *from, size_t count, off64_t at), (fd, from, count, at),
     fails_at("write", fd), -1)
CALL(ssize_t, writev, (int fd, const struct iovec *from, int count), (fd, from, count), fails_at("write", fd), -1)
CALL(ssize_t, send, (int fd, const void *from, size_t count, int flags), (fd, from, count, flags), fails_at("send", fd), -1)
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *from, int flags), (fd, from, flags), fails_at("send", fd), -1)
ssize_t sendto(int fd, const void *from, size_t count, int flags, const struct sockaddr *to, socklen_t length) {
    if (fails_at("send", fd)) return -1;
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
    return real(fd, from, count, flags, to, length);
}

CALL(int, fsync, (int fd), (fd), fails_at("fsync", fd), -1)
CALL(int, fdatasync, (int fd), (fd), fails_at("fsync", fd), -1)
CALL(int, ftruncate, (int fd, off_t size), (fd, size), fails_at("ftruncate", fd), -1)
CALL(int, ftruncate64, (int fd, off64_t size), (fd, size), fails_at("ftruncate", fd), -1)
CALL(int, rename, (const char *from, const char *to), (from, to), fails_for("rename", to), -1)
CALL(int, renameat, (int in, const char *from, int at, const char *to), (in, from, at, to), fails_for("rename", to), -1)
CALL(int, unlink, (const char *path), (path), fails_for("unlink", path), -1)
CALL(int, unlinkat, (int in, const char *path, int flags), (in, path, flags), fails_for("unlink", path), -1)
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), fails_for("mkdir", path), -1)

CALL(int, socket, (int family, int type, int protocol), (family, type, protocol), fails("socket"), -1)
CALL(int, socketpair, (int family, int type, int protocol, int pair[2]), (family, type, protocol, pair),
     fails("socketpair"), -1)
int connect(int fd, const struct sockaddr *to, socklen_t length) {
    if (fails_at("connect", fd)) return -1;
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    return real(fd, to, length);
}
int bind(int fd, const struct sockaddr *to, socklen_t length) {
    if (fails_at("bind", fd)) return -1;
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    return real(fd, to, length);
}
CALL(int, listen, (int fd, int backlog), (fd, backlog), fails_at("listen", fd), -1)
int accept(int fd, struct sockaddr *from, socklen_t *length) {
    if (fails_at("accept", fd)) return -1;
    int (*real)(int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "accept");
    return real(fd, from, length);
}
int accept4(int fd, struct sockaddr *from, socklen_t *length, int flags) {
    if (fails_at("accept", fd)) return -1;
    int (*real)(int, struct sockaddr *, socklen_t *, int) = dlsym(RTLD_NEXT, "accept4");
    return real(fd, from, length, flags);
}
CALL(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t length), (fd, level, name, value, length),
     fails_at("setsockopt", fd), -1)

CALL(int, epoll_create, (int size), (size), fails("epoll_create"), -1)
CALL(int, epoll_create1, (int flags), (flags), fails("epoll_create"), -1)
// What is already there can always be changed.
CALL(int, epoll_ctl, (int fd, int what, int of, struct epoll_event *event), (fd, what, of, event),
     what == EPOLL_CTL_ADD && fails("epoll_ctl"), -1)
CALL(int, epoll_wait, (int fd, struct epoll_event *events, int count, int timeout), (fd, events, count, timeout),
     fails("epoll_wait"), -1)
int poll(struct pollfd *of, nfds_t count, int timeout) {
    if (fails("poll")) return -1;
    int (*real)(struct pollfd *, nfds_t, int) = dlsym(RTLD_NEXT, "poll");
    return real(of, count, timeout);
}
int eventfd(unsigned value, int flags) {
    if (fails("eventfd")) return -1;
    int (*real)(unsigned, int) = dlsym(RTLD_NEXT, "eventfd");
    return real(value, flags);
}
int timerfd_create(int clock, int flags) {
    if (fails("timerfd")) return -1;
    int (*real)(int, int) = dlsym(RTLD_NEXT, "timerfd_create");
    return real(clock, flags);
}
CALL(int, pipe, (int ends[2]), (ends), fails("pipe"), -1)
CALL(int, pipe2, (int ends[2], int flags), (ends, flags), fails("pipe"), -1)
CALL(int, dup, (int fd), (fd), fails_at("dup", fd), -1)

#define CONTROL(name) \
    int name(int fd, int command, ...) { \
        va_list rest; \
        va_start(rest, command); \
        void *argument = va_arg(rest, void *); \
        va_end(rest); \
        if (fails_at("fcntl", fd)) return -1; \
        REAL(name); \
        return real(fd, command, argument); \
    }
CONTROL(fcntl)
CONTROL(fcntl64)

// This one returns what it has to say.
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    if (fails("getaddrinfo")) return control->error;
    REAL(getaddrinfo);
    return real(name, service, hints, found);
}

// So do these.
int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *how,
                char *const arguments[], char *const variables[]) {
    if (fails("spawn")) return control->error;
    REAL(posix_spawn);
    return real(child, path, actions, how, arguments, variables);
}
int posix_spawnp(pid_t *child, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *how,
                 char *const arguments[], char *const variables[]) {
    if (fails("spawn")) return control->error;
    REAL(posix_spawnp);
    return real(child, file, actions, how, arguments, variables);
}
int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with) {
    if (fails("thread")) return control->error;
    REAL(pthread_create);
    return real(thread, how, run, with);
}

CALL(pid_t, fork, (void), (), fails("spawn"), -1)
// clone3(2), by which processes are started, without sharing memory; and memfd_create(2).
long syscall(long number, ...) {
    va_list rest;
    va_start(rest, number);
    long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long);
    long d = va_arg(rest, long), e = va_arg(rest, long), f = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_clone3 && fails("spawn")) return -1;
    if (number == SYS_memfd_create && fails("memfd")) return -1;
    if (number == SYS_pidfd_open && fails("pidfd")) return -1;
    static long (*real)(long, ...);
    if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    return real(number, a, b, c, d, e, f);
}

CALL(void *, mmap, (void *at, size_t size, int rights, int flags, int fd, off_t from), (at, size, rights, flags, fd, from),
     fails("mmap"), MAP_FAILED)
CALL(void *, mmap64, (void *at, size_t size, int rights, int flags, int fd, off64_t from),
     (at, size, rights, flags, fd, from), fails("mmap"), MAP_FAILED)
CALL(ssize_t, getrandom, (void *to, size_t count, unsigned flags), (to, count, flags), fails("getrandom"), -1)
