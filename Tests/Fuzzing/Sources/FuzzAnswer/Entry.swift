/// What libFuzzer calls with every input.
///
/// - Parameters:
///   - start: the first byte.
///   - count: how many there are.
/// - Returns: always 0.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    AnswerTarget.run(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
