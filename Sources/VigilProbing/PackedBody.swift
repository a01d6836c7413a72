import CZlib
import TokenHealth
import VigilHTTPClient

/// Unpacks a body that a server has compressed although the request forbade it, as RFC 9110 section 12.5.3 lets it.
///
/// zlib is what libcurl itself unpacks with, so every host has it; libcurl is not asked to, for then it would ask for
/// compression and unpack without a limit.
enum PackedBody {
    /// No honest document shrinks to less than the two hundredth part.
    static let greatestRatio = 200

    /// The answer with its body as it was before, at most ``Answer/bodyLimit`` of it.
    ///
    /// `nil` where it is not packed, or not soundly, or in a way nobody expects.
    static func unpacked(_ response: HTTPResponse) -> Answer? {
        let encodings = response.headers.filter { $0.isNamed("content-encoding") }.map(\.value)
        guard encodings.count == 1, let encoding = encodings.first, !response.isCut, !response.body.isEmpty,
            ["gzip", "x-gzip", "deflate"].contains(encoding.lowercased()),
            let (body, isCut) = unpacked(response.body), body.count <= response.body.count * greatestRatio
        else { return nil }
        let headers = response.headers.filter { $0.name.lowercased() != "content-encoding" }
        return Answer(status: response.status, headers: headers, body: body, isCut: isCut)
    }

    private static func unpacked(_ packed: [UInt8]) -> (body: [UInt8], isCut: Bool)? {
        var isCut: Int32 = 0
        var body = [UInt8](repeating: 0, count: Answer.bodyLimit)
        let length = unsafe packed.withUnsafeBufferPointer { bytes in
            unsafe body.withUnsafeMutableBufferPointer { room in
                unsafe czlib_unpack(
                    bytes.baseAddress,
                    UInt32(clamping: bytes.count),
                    room.baseAddress,
                    UInt32(room.count),
                    &isCut
                )
            }
        }
        guard length >= 0 else { return nil }
        body.removeLast(body.count - length)
        return (body, isCut != 0)
    }
}
