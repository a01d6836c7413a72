/// The value of `work`, or `nil` where `limit` passes first; `work` is cancelled then and waited for.
///
/// - Throws: what `work` throws within the limit.
func within<Value: Sendable>(
    _ limit: Duration,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        defer { group.cancelAll() }
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: limit, clock: .continuous)
            return nil
        }
        return try await group.next() ?? nil
    }
}
