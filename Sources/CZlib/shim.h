// zlib as Swift sees it: what begins a stream is a macro, and the stream holds pointers that must not outlive a call.
#include <zlib.h>

// Unpacks gzip (RFC 1952) or zlib (RFC 1950), whichever it is, at most `limit` bytes of it. How many came out, or -1 for
// what is no such thing, is damaged or ends early; `is_cut` where there was more than `limit`.
static inline long czlib_unpack(
    const unsigned char *packed, unsigned int count, unsigned char *unpacked, unsigned int limit, int *is_cut
) {
    z_stream stream = {0};
    if (inflateInit2(&stream, 15 + 32) != Z_OK) return -1;
    stream.next_in = (unsigned char *)packed;
    stream.avail_in = count;
    stream.next_out = unpacked;
    stream.avail_out = limit;
    int code = inflate(&stream, Z_FINISH);
    long length = (long)(limit - stream.avail_out);
    // The room is full and the end has not come: there is more.
    *is_cut = code == Z_BUF_ERROR && stream.avail_out == 0;
    inflateEnd(&stream);
    return code == Z_STREAM_END || *is_cut ? length : -1;
}
