import FoundationEssentials

/// One header field, as sent or received.
package struct HeaderField: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Whether it has this name, in whatever case (RFC 9110 section 5.1).
    package func isNamed(_ other: String) -> Bool {
        guard name.utf8.count == other.utf8.count else { return false }
        return zip(name.utf8, other.utf8).allSatisfy { $0 == $1 || $0.lowercasedASCII == $1.lowercasedASCII }
    }
}

extension UInt8 {
    /// The small letter of an ASCII letter, and everything else as it is.
    package var lowercasedASCII: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}

/// How long the steps of an exchange took, each from the end of the one before.
///
/// `nil` for a step that was not taken: on a kept connection there is no look-up, no connect and no TLS handshake.
package struct ExchangeTiming: Sendable, Hashable {
    /// Until the name had an address.
    package var lookUp: Duration?
    /// Until the connection stood.
    package var connect: Duration?
    /// Until the handshake was over.
    package var tls: Duration?
    /// Until the first byte of the answer.
    package var firstByte: Duration?

    package init(
        lookUp: Duration? = nil,
        connect: Duration? = nil,
        tls: Duration? = nil,
        firstByte: Duration? = nil
    ) {
        self.lookUp = lookUp
        self.connect = connect
        self.tls = tls
        self.firstByte = firstByte
    }
}

/// What one probe saw.
package struct Exchange: Sendable, Hashable {
    package let outcome: Outcome
    package let latency: Duration
    /// Of the steps, where there was an answer.
    package let timing: ExchangeTiming?
    /// The access token that a token endpoint granted; the answer itself no longer holds it.
    package let minted: Secret?
    /// What the answer looked like, to know it again; `nil` where nobody needs to.
    package let mark: AnswerMark?

    package init(
        _ outcome: Outcome,
        latency: Duration = .zero,
        timing: ExchangeTiming? = nil,
        minted: Secret? = nil,
        mark: AnswerMark? = nil
    ) {
        self.outcome = outcome
        self.latency = latency
        self.timing = timing
        self.minted = minted
        self.mark = mark
    }

    /// What came of asking.
    package enum Outcome: Sendable, Hashable {
        case answered(Answer)
        case failed(TransportFailure)
        /// Nothing was sent: there is no usable secret.
        case withheld(SecretProblem)
    }

    /// The same without any copy of `secret` in its answer.
    package func striking(_ secret: Secret) -> Exchange {
        guard case .answered(let answer) = outcome else { return self }
        return Exchange(.answered(answer.striking(secret)), latency: latency, minted: minted, mark: mark)
    }

    /// The status code, where there was an answer.
    package var status: Int? {
        guard case .answered(let answer) = outcome else { return nil }
        return answer.status
    }
}

/// An HTTP answer, read to a limit, the secret struck out of it.
package struct Answer: Sendable, Hashable {
    /// Most of a body that is read, in bytes.
    package static let bodyLimit = 65_536

    package let status: Int
    package let headers: [HeaderField]
    package let body: [UInt8]
    /// Whether there was more than ``bodyLimit``.
    package let isCut: Bool
    /// The body as JSON, or `nil` where it is none, is cut, or is compressed.
    package let document: JSONValue?

    package init(status: Int, headers: [HeaderField] = [], body: [UInt8] = [], isCut: Bool = false) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isCut = isCut
        let encoded = headers.contains { header in
            header.name.lowercased() == "content-encoding" && header.value.lowercased() != "identity"
        }
        document = isCut || encoded || body.isEmpty || status < 200 ? nil : JSONValue(parsing: body)
    }

    private init(_ other: Answer, headers: [HeaderField], body: [UInt8], document: JSONValue?) {
        status = other.status
        isCut = other.isCut
        self.headers = headers
        self.body = body
        self.document = document
    }

    /// The head of this answer alone.
    var withoutBody: Answer { Answer(self, headers: headers, body: [], document: nil) }

    /// This answer without any copy of `secret` in it: a hostile or careless server may send it back.
    ///
    /// Where it comes in another guise, the whole value that holds it is taken out. Nearly no answer holds any: all of it
    /// is looked through once, and only where something is found, value by value.
    package func striking(_ secret: Secret) -> Answer {
        secret.withExposedValue { value in
            let answer = erasing(value)
            let heads = answer.headers.map { "\($0.name): \($0.value)\n" }.joined()
            guard let detector = EchoDetector(value), detector.finds(in: Array(heads.utf8) + answer.body) else {
                return answer
            }
            let headers = answer.headers.map { HeaderField(detector.strike($0.name), detector.strike($0.value)) }
            let document = answer.document.map { detector.strike($0) }
            let rewritten = document == answer.document ? nil : try? Wire.encoder().encode(document)
            let body = detector.strike(rewritten.map { Array($0) } ?? answer.body)
            return Answer(answer, headers: headers, body: body, document: document)
        }
    }

    /// This answer without any copy of `value` as it is.
    private func erasing(_ value: String) -> Answer {
        let eraser = SecretEraser(value)
        let headers = headers.map { HeaderField(eraser.erase($0.name), eraser.erase($0.value)) }
        // Where nothing is escaped, what stands in the document stands in its bytes, too, and mostly in neither. A
        // number can be written in other ways.
        if JSONNumber(parsing: value) == nil, !body.contains(UInt8(ascii: "\\")), eraser.erase(body) == body {
            return Answer(self, headers: headers, body: body, document: document)
        }
        let struck = document.map(eraser.erase)
        // A copy that JSON has escaped is seen in the document alone.
        let rewritten = struck == document ? nil : try? Wire.encoder().encode(struck)
        return Answer(
            self,
            headers: headers,
            body: eraser.erase(rewritten.map { Array($0) } ?? body),
            document: struck
        )
    }

    func values(of name: String) -> [String] {
        let wanted = name.lowercased()
        return headers.filter { $0.name.lowercased() == wanted }.map(\.value)
    }

    func first(_ name: String) -> String? { values(of: name).first }

    var bodyText: String { String(decoding: body, as: UTF8.self).streamSafe }

    /// Whether the body is compressed although the request forbade it.
    var isEncoded: Bool {
        values(of: "content-encoding").contains { $0.lowercased() != "identity" }
    }

    /// Whether this is a page for people: by its type, or by how it begins.
    var isHTML: Bool {
        if let type = first("content-type")?.lowercased(), type.holds("text/html") || type.holds("xhtml") {
            return !body.isEmpty && !isStructured
        }
        // Every answer of an API comes past here: a look at its first letters must do.
        let start = String(decoding: body.prefix(1024), as: UTF8.self).drop(while: \.isWhitespace)
        guard start.utf8.first == UInt8(ascii: "<") else { return false }
        let tag = start.prefix(14).lowercased()
        return tag.hasPrefix("<!doctype html") || tag.hasPrefix("<html") || tag.hasPrefix("<head")
    }

    /// Whether the body is a JSON object or list, whatever its type says: no page is.
    private var isStructured: Bool {
        switch document {
        case .object, .array: true
        case .null, .bool, .number, .string, nil: false
        }
    }

    private static let placesOfWords = [
        "/message", "/error/message", "/error_description", "/error", "/detail", "/errcode", "/msg",
    ].compactMap { JSONPointer($0) }

    /// What the server said in words: short, printable, without anything that looks like a credential.
    package var message: String? {
        let found = Answer.placesOfWords.lazy.compactMap { pointer -> String? in
            guard case .string(let text)? = document?[pointer] else { return nil }
            return text
        }.first
        guard let text = found ?? (document == nil && !isHTML && !isEncoded ? bodyText : nil) else { return nil }
        let words = text.prefix(400).split { $0.isWhitespace || !$0.isASCII || $0.isNewline }
        let safe = words.map { $0.count > 32 ? "[…]" : $0.filter { (" "..."~").contains($0) } }.joined(separator: " ")
        return safe.isEmpty ? nil : String(safe.prefix(120))
    }
}
