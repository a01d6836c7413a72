import FoundationEssentials

/// Takes every copy of a secret out of what a server sent.
///
/// It compares bytes: for `String` a secret with a combining mark behind it is another text.
struct SecretEraser {
    private let forms: [[UInt8]]

    /// - Parameter value: the secret, exposed.
    init(_ value: String) {
        // Many servers write a slash in JSON as `\/`.
        forms = [Array(value.utf8), Array(value.replacing("/", with: "\\/").utf8)]
    }

    func erase(_ bytes: [UInt8]) -> [UInt8] {
        forms.reduce(bytes) { erase($1, from: $0) }
    }

    func erase(_ text: String) -> String {
        String(decoding: erase(Array(text.utf8)), as: UTF8.self)
    }

    func erase(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(erase(text))
        case .array(let elements): .array(elements.map(erase))
        case .object(let members):
            .object(Dictionary(members.map { (erase($0.key), erase($0.value)) }) { first, _ in first })
        case .null, .bool, .number: value
        }
    }

    private func erase(_ form: [UInt8], from bytes: [UInt8]) -> [UInt8] {
        guard let first = form.first, bytes.count >= form.count else { return bytes }
        var rest: [UInt8] = []
        rest.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            if bytes[position] == first, bytes[position...].starts(with: form) {
                rest += Array(Secret.redaction.utf8)
                position += form.count
            } else {
                rest.append(bytes[position])
                position += 1
            }
        }
        return rest
    }
}
