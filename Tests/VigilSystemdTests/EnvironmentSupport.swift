import Glibc

/// Sets or removes a variable of this process; only for tests that have the process to themselves.
func setEnvironment(_ name: String, _ value: String?) {
    if let value {
        unsafe setenv(name, value, 1)
    } else {
        unsafe unsetenv(name)
    }
}
