//! What the machine has: memory and cores.

/// Memory and cores of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Machine {
    /// Bytes of memory that the machine, or the container, has.
    pub(crate) memory_bytes: u64,
    /// Physical cores, as far as this process may use them.
    pub(crate) n_cores: usize,
}

impl Machine {
    /// Looks at the machine.
    pub(crate) fn read() -> Self {
        let usable = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let physical = sysinfo::System::physical_core_count().unwrap_or(usable);
        Self { memory_bytes: memory_bytes(), n_cores: physical.clamp(1, usable) }
    }
}

fn memory_bytes() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    system.refresh_memory();
    let of_container = system.cgroup_limits().map_or(u64::MAX, |it| it.total_memory);
    system.total_memory().min(of_container)
}

/// Returns a number of bytes as people write it.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(factor, _)| bytes >= *factor) {
        Some((factor, unit)) => format!("{:.1} {unit}", bytes as f64 / *factor as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_in_the_largest_unit_that_fits() {
        let table = [(12, "12 bytes"), (2048, "2.0 KiB"), (491_400_064, "468.6 MiB"), (1_117_320_768, "1.0 GiB")];
        for (bytes, text) in table {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn a_machine_has_memory_and_a_core() {
        let machine = Machine::read();
        assert!(machine.memory_bytes > 0 && machine.n_cores > 0, "{machine:?}");
    }
}
