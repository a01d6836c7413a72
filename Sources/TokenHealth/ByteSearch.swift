extension String {
    /// Whether `part` stands anywhere in it, byte for byte: a small part of the work of `contains`, which goes by characters.
    func holds(_ part: String) -> Bool {
        var (text, part) = (self, part)
        return text.withUTF8 { text in
            part.withUTF8 { part in
                guard text.count >= part.count else { return false }
                return (0...(text.count - part.count)).contains { start in
                    part.indices.allSatisfy { unsafe text[start + $0] == part[$0] }
                }
            }
        }
    }
}
