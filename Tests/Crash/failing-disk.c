// Fails fsync and fdatasync, and with SHIM_WRITES also pwrite, with EIO: every second time at random, for files below
// the directory SHIM_BELOW, and only while the file SHIM_WHILE exists. For LD_PRELOAD.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

__attribute__((constructor)) static void seed(void) { srandom((unsigned)time(NULL) ^ (unsigned)getpid()); }

static int fails(int descriptor) {
    const char *below = getenv("SHIM_BELOW"), *while_there = getenv("SHIM_WHILE");
    if (!below || !while_there || access(while_there, F_OK) != 0) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, below, strlen(below)) == 0 && random() % 2;
}

int fsync(int descriptor) {
    static int (*real)(int);
    if (fails(descriptor)) { errno = EIO; return -1; }
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return real(descriptor);
}

int fdatasync(int descriptor) {
    static int (*real)(int);
    if (fails(descriptor)) { errno = EIO; return -1; }
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return real(descriptor);
}

static ssize_t write_at(const char *name, int descriptor, const void *bytes, size_t count, off64_t offset) {
    ssize_t (*real)(int, const void *, size_t, off64_t) =
        (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, name);
    if (getenv("SHIM_WRITES") && fails(descriptor)) { errno = EIO; return -1; }
    return real(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return write_at("pwrite64", descriptor, bytes, count, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    return write_at("pwrite64", descriptor, bytes, count, offset);
}
