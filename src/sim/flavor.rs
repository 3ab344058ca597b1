//! The flavors, the same in every cloud.

/// Too many cores for the quota: creating it is refused.
pub(super) const OVER_QUOTA: &str = "98";
/// More cores than any host has: it is accepted, and then no host is found.
pub(super) const IMPOSSIBLE: &str = "99";
/// The quota of cores, which only [`OVER_QUOTA`] can exceed.
pub(super) const CORES_ALLOWED: u32 = 10_000;

pub(super) struct Flavor {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) vcpus: u32,
    /// MiB.
    pub(super) ram: u32,
    /// GiB.
    pub(super) disk: u32,
}

pub(super) const FLAVORS: [Flavor; 7] = [
    Flavor { id: "1", name: "m1.tiny", vcpus: 1, ram: 512, disk: 1 },
    Flavor { id: "2", name: "m1.small", vcpus: 1, ram: 2048, disk: 20 },
    Flavor { id: "3", name: "m1.medium", vcpus: 2, ram: 4096, disk: 40 },
    Flavor { id: "4", name: "m1.large", vcpus: 4, ram: 8192, disk: 80 },
    Flavor { id: "5", name: "m1.nano", vcpus: 1, ram: 64, disk: 0 },
    Flavor { id: OVER_QUOTA, name: "m1.overquota", vcpus: 100_000, ram: 512, disk: 1 },
    Flavor { id: IMPOSSIBLE, name: "m1.impossible", vcpus: 2000, ram: 512, disk: 1 },
];

pub(super) fn find(id: &str) -> Option<&'static Flavor> {
    FLAVORS.iter().find(|flavor| flavor.id == id)
}
