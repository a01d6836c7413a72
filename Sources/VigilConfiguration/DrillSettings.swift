import TokenHealth

extension Setting {
    /// `weekly`, `daily`, a duration, or a mapping with a time of day.
    func drill() -> DrillSchedule? {
        if case .scalar = node.content { return drillPeriod().map { DrillSchedule(every: $0) } }
        guard let fields = mapping(.drill) else { return nil }
        let every = fields.required("every", "how often, as in weekly, daily or 14d")?.drillPeriod()
        let usual = DrillSchedule(every: .seconds(86_400))
        let minute = fields["at"].map { $0.minuteOfDay(upTo: 1439) } ?? usual.minute
        let zone = fields["zone"].map { $0.timeZone() } ?? usual.zone
        guard let every, let minute, let zone else { return nil }
        guard fields["at"] == nil || Int(every.components.seconds).isMultiple(of: 86_400) else {
            fields["at"]?.report("at needs an every of whole days, as in weekly, daily or 14d")
            return nil
        }
        return DrillSchedule(every: every, minute: minute, zone: zone)
    }

    private func drillPeriod() -> Duration? {
        guard let scalar = scalar("weekly, daily or a duration") else { return nil }
        switch scalar.text {
        case "weekly": return .seconds(7 * 86_400)
        case "daily": return .seconds(86_400)
        default: return duration(atLeast: .seconds(60))
        }
    }
}
