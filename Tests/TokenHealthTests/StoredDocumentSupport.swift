import FoundationEssentials
import Testing
import TokenHealth

extension Encodable where Self: Decodable {
    /// This value, written and read as the database does.
    func reread() throws -> Self {
        let stored = Array(try Wire.stored(self).utf8)
        #expect(JSONValue(parsing: stored) == JSONValue(parsing: Array(try Wire.encoder().encode(self))))
        return try Wire.decoder().decode(Self.self, from: Data(stored))
    }
}
