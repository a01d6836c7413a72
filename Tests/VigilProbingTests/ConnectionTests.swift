import TallyfySimulator
import Testing
import TokenHealth

/// Which connections are used, and for how long.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    @Test func `tokens of one host share one kept connection`() async throws {
        try await withBench(users: 3) { bench async throws in
            for _ in 1...20 {
                for index in 0..<3 { #expect(try await bench.probe(index).status == 200) }
            }
            #expect(bench.tallyfy.requests().count == 60)
            #expect(bench.tallyfy.acceptedConnections == 1)
        }
    }

    @Test func `tokens asked at once take no more connections than there are tokens`() async throws {
        try await withBench(users: 3) { bench async throws in
            for _ in 1...20 {
                async let first = bench.probe(0).status
                async let second = bench.probe(1).status
                async let third = bench.probe(2).status
                #expect(try await [first, second, third] == [200, 200, 200])
            }
            #expect(bench.tallyfy.acceptedConnections <= 3)
        }
    }

    @Test func `each confirmation has a connection of its own`() async throws {
        try await withBench { bench async throws in
            _ = try await bench.probe()
            for _ in 1...3 { #expect(try await bench.probe(fresh: true).status == 200) }
            _ = try await bench.probe()
            let connections = bench.tallyfy.requests().map(\.connection)
            #expect(Set(connections).count == 4)
            #expect(connections.first == connections.last)
        }
    }

    @Test func `a kept connection closed in the moment of its use is no failure`() async throws {
        try await withBench { bench async throws in
            #expect(try await bench.probe().status == 200)
            bench.tallyfy.inject(Fault(.refuse, count: 1))
            #expect(try await bench.probe().status == 200)
            #expect(bench.tallyfy.requests().map(\.status) == [200, nil, 200])
        }
    }

    @Test func `a kept connection closed between two probes is no failure`() async throws {
        let ledger = Ledger()
        try await withServer { caller in
            guard let head = try await caller.head() else { return }
            ledger.note(head)
            try await caller.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        } _: { port async throws in
            try await withProber { prober async throws in
                for _ in 1...5 {
                    #expect(try await prober.probe("http://127.0.0.1:\(port)", secret: nil).status == 200)
                }
            }
        }
        #expect(ledger.entries.count == 5)
    }

    @Test func `a fresh connection that is closed without an answer is a failure`() async throws {
        try await withBench { bench async throws in
            bench.tallyfy.inject(Fault(.refuse))
            #expect(try await bench.probe(fresh: true).failure == .network)
            #expect(bench.tallyfy.requests().count == 1)
        }
    }

    @Test func `a reset in the middle of the body is a failure of the network`() async throws {
        try await withBench { bench async throws in
            bench.tallyfy.inject(Fault(.reset))
            #expect(try await bench.probe().failure == .network)
            #expect(try await bench.probe(fresh: true).failure == .network)
        }
    }

    @Test func `a body shorter than it should be is a failure of the network`() async throws {
        try await withBench { bench async throws in
            bench.tallyfy.inject(Fault(.body(.truncated)))
            #expect(try await bench.probe().failure == .network)
            #expect(try await bench.probe(fresh: true).failure == .network)
        }
    }

    @Test func `a port where nobody listens is a failure of the network, and says so`() async throws {
        try await withBench { bench async throws in
            await bench.tallyfy.stop()
            let exchange = try await bench.probe()
            #expect(exchange.failure == .network)
            #expect(exchange.detail.contains("Connection refused"))
            #expect(exchange.latency < .seconds(120))
        }
    }

    @Test func `a name without an address is a failure of the name`() async throws {
        try await withProber { prober async throws in
            let exchange = try await prober.probe("https://tallyfy.invalid", secret: nil) { $0.timeout = .seconds(3) }
            // A name server that is slow to say no is a time-out.
            #expect([.dns, .timeout].contains(exchange.failure))
            #expect(exchange.latency < .seconds(120))
        }
    }

    @Test func `an answer that never begins ends at the time limit`() async throws {
        try await withBench { bench async throws in
            bench.tallyfy.inject(Fault(.stall))
            let exchange = try await bench.probe { $0.timeout = .milliseconds(300) }
            #expect(exchange.failure == .timeout)
            #expect(exchange.latency >= .milliseconds(290))
            #expect(exchange.latency < .seconds(120))
        }
    }

    @Test func `a body that drips ends at the time limit`() async throws {
        try await withBench { bench async throws in
            bench.tallyfy.inject(Fault(.slowBody(bytes: 1, pause: .milliseconds(50))))
            let exchange = try await bench.probe { $0.timeout = .milliseconds(300) }
            #expect(exchange.failure == .timeout)
            #expect(exchange.latency >= .milliseconds(290))
            #expect(exchange.latency < .seconds(120))
        }
    }

    @Test func `a handshake that never ends stops at the time limit`() async throws {
        try await withProber { prober async throws in
            try await withServer { caller in
                while try await caller.piece() != nil {}
            } _: { port async throws in
                let url = "https://127.0.0.1:\(port)"
                let exchange = try await prober.probe(url, secret: nil) { $0.timeout = .milliseconds(300) }
                #expect([.timeout, .tls].contains(exchange.failure))
                #expect(exchange.latency < .seconds(120))
            }
        }
    }

    @Test func `something that is not HTTP is a failure of the network`() async throws {
        try await withServer { caller in
            _ = try await caller.head()
            try await caller.send("SSH-2.0-OpenSSH_9.6\r\n\r\n")
        } _: { port async throws in
            try await withProber { prober async throws in
                let exchange = try await prober.probe("http://127.0.0.1:\(port)", secret: nil)
                #expect(exchange.failure == .network)
            }
        }
    }
}
