import TokenHealth

extension AlertKind {
    /// The fixed `MESSAGE_ID` of this kind; its explanation stands in `systemd/tokenvigil.catalog`.
    package var journalMessageID: String {
        switch self {
        case .invalidated: "3d823801d2424560bf95843e364248c1"
        case .limited: "d800859118d448c0af27a5eaad072df0"
        case .recovered: "adb2b2c1619e437eb61897fecaea175a"
        case .reminder: "957966eff79d4a14a15b5dcce71be91d"
        case .expiring: "32fe7270506a4ac6a72e005fbfef6e30"
        case .blind: "b3e848e02b034f4fa7743d9582009b5e"
        case .sighted: "254637fcbda34041a9852e01d9345145"
        case .identityChanged: "602e2916d10849649789236117f88540"
        case .replaced: "836d43fd4ac84db7be203c7a79302be1"
        case .misconfigured: "a7ee4f452b974757b0872e97ed27cf63"
        case .providerIncident: "7b1276b688774e5295ca1fca071efa7a"
        case .providerRecovered: "e7868df0d8874bc99169cf35a807d097"
        case .notifierFailing: "5e882874ec4e480ab475884d344247e2"
        case .notifierRecovered: "c6b0ccef3142432ba016c690c5cedff8"
        case .test: "e50e1c2dd6fe48de9aefc38d4950341e"
        }
    }
}
