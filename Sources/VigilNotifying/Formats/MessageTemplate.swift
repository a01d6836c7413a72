import TokenHealth
import FoundationEssentials

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
        let text: String
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            guard let decoded = String(validating: data, as: UTF8.self) else {
                throw TemplateProblem.malformed("it is not UTF-8")
            }
            text = decoded
        } catch let problem as TemplateProblem {
            throw problem
        } catch {
            throw .unreadable(MessageTemplate.cause(of: error))
        }
        return try TemplateFormat(text, contentType: contentType)
    }

    private static func cause(of error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: "there is no such file"
        case .fileReadNoPermission: "permission denied"
        default: "\(error)".oneLine.shortened(to: 80)
        }
    }
}
