import ArgumentParser
import FoundationEssentials
import Glibc
import ServiceLifecycle
import TallyfySimulator
import UnixSignals
import VigilStorage

/// The stand-in for the Tallyfy API.
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve a stand-in for the Tallyfy API on loopback, until interrupted.",
        discussion: """
            It starts with one organization and one user, svc@example.test, who is logged in. The control port changes \
            its world: log-outs, expiry, outages. Nothing it hands out is worth anything elsewhere.
            """
    )

    @Option(help: "Public port; 0 takes a free one.") var port = 0
    @Option(help: "Control port; 0 takes a free one.") var controlPort = 0
    @Option(help: "How it behaves: current, or seed for what was written first.") var profile = Profile.current
    @Option(help: ArgumentHelp("Write the user's token to this file at each start.", valueName: "file"))
    var secret: String?
    @Flag(help: "Hand out random text instead of JSON Web Tokens.") var opaqueTokens = false

    func run() async throws {
        var options = TallyfySimulator.Options()
        options.profile = profile
        options.port = port
        options.controlPort = controlPort
        options.opaqueTokens = opaqueTokens
        let simulator: TallyfySimulator
        do {
            simulator = try await TallyfySimulator.start(options)
        } catch let error as TallyfySimulator.StartError {
            throw Failure("\(error)", code: .failure)
        }
        let organization = simulator.addOrganization(name: "Example")
        let user = simulator.addUser(email: "svc@example.test", organization: organization)
        let token = simulator.login(user: user, organization: organization)
        if let secret { try AtomicFile(path: secret, mode: 0o600).write(Array((token + "\n").utf8)) }
        print(
            """
            api           \(simulator.apiURL)
            control       \(simulator.controlURL)
            organization  \(organization)
            user          \(user)
            secret        \(secret ?? "log in to get one, or start with --secret FILE")

            curl -X POST \(simulator.controlURL)/_sim/logout -d '{"user": \(user)}'    # kills the token
            curl -X POST \(simulator.controlURL)/_sim/login -d '{"user": \(user)}'     # a new token
            """
        )
        Terminal.flush()
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { break }
        await simulator.stop()
    }
}

extension Profile: ExpressibleByArgument {}
