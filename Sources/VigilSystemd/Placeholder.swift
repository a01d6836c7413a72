import CSystemd
package func booted() -> Bool { sd_booted() > 0 }
