package let embedded = PackageResources.probe_txt.count
