import Glibc
import TokenHealth
import VigilPlatform

/// A template in a file: read for every message, so that a correction needs no restart.
package struct MessageTemplate: Sendable, Hashable {
    /// Absolute path.
    package let path: String
    /// Of the message it makes.
    package let contentType: String

    package init(path: String, contentType: String = "application/json") {
        self.path = path
        self.contentType = contentType
    }

    /// What is wrong with it, as the end of a sentence; `nil` where every kind of alert comes out well.
    ///
    /// It is tried with alerts of every kind.
    package var problem: String? {
        do {
            let format = try format()
            for sample in Alert.templateSamples { _ = try format.message(for: sample) }
            return nil
        } catch FormatProblem.template(let problem) {
            return problem.fault
        } catch let problem as TemplateProblem {
            return problem.fault
        } catch {
            return "makes a message longer than any receiver takes"
        }
    }

    /// The template as it is now.
    func format() throws(TemplateProblem) -> TemplateFormat {
        let bytes: [UInt8]
        do throws(RegularFile.Failure) {
            bytes = try RegularFile.contents(of: path, atMost: MessageTemplate.largestFile)
        } catch {
            throw .unreadable(MessageTemplate.cause(of: error))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("it is not UTF-8") }
        return try TemplateFormat(text, contentType: contentType)
    }

    /// Far above the largest template that is accepted, in bytes: that one says by how much it is too large.
    private static let largestFile = 1 << 24

    private static func cause(of failure: RegularFile.Failure) -> String {
        switch failure {
        case .refused(let error) where error.code == ENOENT: "there is no such file"
        case .refused(let error) where error.code == EACCES: "permission denied"
        case .refused, .noFile, .tooLong: "\(failure)"
        }
    }
}
