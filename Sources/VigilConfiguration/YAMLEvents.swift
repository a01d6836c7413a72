import CYaml

/// One step of the parser through a text, as far as it matters before there are nodes.
struct YAMLEvent {
    /// What the parser has met.
    enum Kind {
        case documentStart
        case alias(name: String)
        case scalar
        case listStart
        case mappingStart
        case end
        case other
    }

    let kind: Kind
    /// The name that is given to a node with `&`.
    let anchor: String?
    /// The type that is given to a node with `!`.
    let tag: String?
    /// From 1.
    let line: Int
    /// From 1.
    let column: Int
    /// Whether a single value stands without quotes.
    let isPlain: Bool
}

/// The steps of the parser that Yams has, without the nodes that Yams makes of them.
///
/// They take time and memory in proportion to the text: names are not looked up, and keys not compared.
@safe struct YAMLEvents {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let event: UnsafeMutablePointer<yaml_event_t>

    /// Calls `body` with the events of a text.
    ///
    /// - Returns: what `body` does.
    static func of<Outcome>(_ text: String, _ body: (borrowing YAMLEvents) -> Outcome) -> Outcome {
        var text = text
        return text.withUTF8 { bytes in
            let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
            let event = UnsafeMutablePointer<yaml_event_t>.allocate(capacity: 1)
            unsafe parser.initialize(to: yaml_parser_t())
            unsafe event.initialize(to: yaml_event_t())
            _ = unsafe yaml_parser_initialize(parser)
            unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
            defer {
                unsafe yaml_event_delete(event)
                unsafe yaml_parser_delete(parser)
                unsafe event.deallocate()
                unsafe parser.deallocate()
            }
            return unsafe body(YAMLEvents(parser: parser, event: event))
        }
    }

    /// The next step; `nil` at the end, or where the text is no YAML.
    func next() -> YAMLEvent? {
        unsafe yaml_event_delete(event)
        guard unsafe yaml_parser_parse(parser, event) == 1, unsafe event.pointee.type != YAML_STREAM_END_EVENT else {
            return nil
        }
        let (kind, anchor, tag) = described
        let mark = unsafe event.pointee.start_mark
        return YAMLEvent(
            kind: kind,
            anchor: anchor,
            tag: tag,
            line: mark.line + 1,
            column: mark.column + 1,
            isPlain: isPlain
        )
    }

    /// The text of the single value that was met last.
    var text: String {
        guard unsafe event.pointee.type == YAML_SCALAR_EVENT else { return "" }
        let scalar = unsafe event.pointee.data.scalar
        return unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
    }

    private var isPlain: Bool {
        unsafe event.pointee.type == YAML_SCALAR_EVENT
            && event.pointee.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
    }

    private var described: (kind: YAMLEvent.Kind, anchor: String?, tag: String?) {
        let data = unsafe event.pointee.data
        switch unsafe event.pointee.type {
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, nil, nil)
        case YAML_ALIAS_EVENT: return unsafe (.alias(name: name(data.alias.anchor) ?? ""), nil, nil)
        case YAML_SCALAR_EVENT: return unsafe (.scalar, name(data.scalar.anchor), name(data.scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            return unsafe (.listStart, name(data.sequence_start.anchor), name(data.sequence_start.tag))
        case YAML_MAPPING_START_EVENT:
            return unsafe (.mappingStart, name(data.mapping_start.anchor), name(data.mapping_start.tag))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return (.end, nil, nil)
        default: return (.other, nil, nil)
        }
    }

    private func name(_ text: UnsafeMutablePointer<UInt8>?) -> String? {
        unsafe text.map { unsafe String(cString: $0) }
    }
}
