import Glibc

/// Why a server cannot listen at the address that `listen:` names.
struct PlaceNotHad: Error, Sendable, Hashable, CustomStringConvertible {
    let host: String
    let port: Int
    /// A value of errno.
    let code: CInt
    /// What the library says of it.
    let words: String

    var description: String {
        let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        return switch code {
        case EADDRINUSE: "\(place) is taken by another program: see ss -ltnp, or set another listen:"
        case EADDRNOTAVAIL: "\(host) is no address of this host: set another listen:"
        case EACCES: "\(place) needs rights that the service does not have: set a port above 1023 in listen:"
        default: "\(place): \(words)"
        }
    }
}
