import TokenHealth

/// `CoreCost known|healthy|death|stored|written COUNT`: so many healthy looks at one token, whose answer is the one before or is
/// read anew; or so many deaths, each with its confirmation; or so many beliefs as the database keeps them, or lines of the
/// status file.
@main
enum CoreCost {
    static func main() {
        let words = CommandLine.arguments.dropFirst()
        guard let what = words.first, let count = words.last.flatMap({ Int($0) }), let token = Tallyfy.token else {
            preconditionFailure("usage: CoreCost known|healthy|death|stored|written COUNT")
        }
        switch what {
        case "known": known(count, token)
        case "healthy": healthy(count, token)
        case "stored": stored(count, token)
        case "written": written(count, token)
        case "death": for _ in 0..<count { death(of: token) }
        default: preconditionFailure("usage: CoreCost known|healthy|death|stored|written COUNT")
        }
    }

    private static func known(_ count: Int, _ token: WatchedToken) {
        var story = Story(token: token)
        story.look(200, Story.acceptance, isControlled: true)
        for _ in 0..<count { story.lookAgain(200, Story.acceptance) }
        precondition(story.known == count, "every answer is known")
        precondition(story.pause > .zero && story.pause <= token.interval, "and looked at in time")
    }

    private static func healthy(_ count: Int, _ token: WatchedToken) {
        var story = Story(token: token)
        story.look(200, Story.acceptance, isControlled: true)
        for _ in 0..<count { story.look(200, Story.acceptance) }
        precondition(story.state == .valid, "it is healthy")
        precondition(story.pause > .zero && story.pause <= token.interval, "and looked at in time")
    }

    private static func stored(_ count: Int, _ token: WatchedToken) {
        var story = Story(token: token)
        story.look(200, Story.acceptance, isControlled: true)
        let length = (0..<count).reduce(0) { length, _ in length + story.storedBelief.utf8.count }
        precondition(length > count * 300, "every belief is whole")
    }

    private static func written(_ count: Int, _ token: WatchedToken) {
        var story = Story(token: token)
        story.look(200, Story.acceptance, isControlled: true)
        story.lookAgain(200, Story.acceptance)
        let length = story.writtenLines(count, portion: 100)
        precondition(length > count * 500, "every line is whole")
    }

    private static func death(of token: WatchedToken) {
        var story = Story(token: token)
        story.look(200, Story.acceptance, isControlled: true)
        story.look(401, Story.refusal, isControlled: true)
        story.look(401, Story.refusal)
        story.look(401, Story.refusal, isControlled: true)
        precondition(story.state.name == .invalid, "it is dead")
    }
}
