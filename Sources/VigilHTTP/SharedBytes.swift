import NIOCore
import Synchronization

/// The bytes of an answer, kept once for all who read it, and handed out in pieces as each of them gets on.
///
/// They can be withdrawn, so that somebody who reads slowly does not keep an old edition in memory.
package final class SharedBytes: Sendable {
    /// How many there are, also after they have been withdrawn.
    package let count: Int
    private let bytes: Mutex<[UInt8]?>

    /// Most that is handed out at once: what waits in memory for each reader.
    static let piece = 16_384

    package init(_ bytes: [UInt8]) {
        count = bytes.count
        self.bytes = Mutex(bytes)
    }

    package convenience init(_ text: String) { self.init(Array(text.utf8)) }

    /// All of them; `nil` once they have been withdrawn.
    package var whole: [UInt8]? { bytes.withLock { $0 } }

    /// Gives the memory back: whoever still reads is cut off.
    package func withdraw() { bytes.withLock { $0 = nil } }

    /// A copy of the bytes that come next, so that nobody's connection holds on to the whole.
    ///
    /// - Returns: `nil` once they have been withdrawn.
    func piece(from offset: Int) -> ByteBuffer? {
        bytes.withLock { bytes in
            bytes.map { ByteBuffer(bytes: $0.dropFirst(offset).prefix(SharedBytes.piece)) }
        }
    }
}
