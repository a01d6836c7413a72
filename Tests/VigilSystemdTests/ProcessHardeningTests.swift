import Testing
import VigilSystemd

struct ProcessHardeningTests {
    @Test func `after hardening this process can leave no core dump`() async {
        await #expect(processExitsWith: .success) {
            try ProcessHardening.disableCoreDumps()
            #expect(ProcessHardening.coreDumpsAreDisabled)
        }
    }
}
