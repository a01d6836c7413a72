import ArgumentParser

@main
struct Tokenvigil: ParsableCommand {
    mutating func run() { print("hi") }
}
