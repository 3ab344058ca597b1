//! What all requests share.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::fault::Faults;
use super::stats::Counts;
use super::world::World;

/// The whole cloud. Locks are held for the moment of a look-up or a change, never over an await.
pub(super) struct Cloud {
    pub(super) settings: Settings,
    pub(super) pace: Mutex<Pace>,
    world: Mutex<World>,
    pub(super) faults: Mutex<Faults>,
    pub(super) counts: Counts,
}

/// What stays as it was at the start.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) base_url: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) project: String,
    pub(super) domain: String,
    pub(super) regions: Vec<String>,
    pub(super) left_out: Vec<String>,
    pub(super) page_size: usize,
    pub(super) quota: usize,
    pub(super) volume_quota: usize,
    pub(super) idle_close: Option<Duration>,
}

/// How long things take; can be changed while the cloud runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) login_delay: Duration,
    pub(super) read_delay: Duration,
    pub(super) create_delay: Duration,
    pub(super) hidden_time: Duration,
    pub(super) boot_time: Duration,
    pub(super) action_time: Duration,
    pub(super) volume_time: Duration,
    pub(super) delete_time: Duration,
    pub(super) token_lifetime: Duration,
}

impl Cloud {
    pub(super) fn new(settings: Settings, pace: Pace, rng: fastrand::Rng) -> Cloud {
        Cloud {
            world: Mutex::new(World::new(&settings, rng)),
            settings,
            pace: Mutex::new(pace),
            faults: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// What exists now: what has come to its end is let go first.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock();
        world.settle();
        world
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            base_url: String::new(),
            user: "demo".into(),
            password: "secret".into(),
            project: "demo".into(),
            domain: "Default".into(),
            regions: vec!["RegionOne".into()],
            left_out: Vec::new(),
            page_size: 1000,
            quota: 1000,
            volume_quota: 1000,
            idle_close: None,
        }
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            login_delay: Duration::from_millis(50),
            read_delay: Duration::from_millis(20),
            create_delay: Duration::from_millis(200),
            hidden_time: Duration::ZERO,
            boot_time: Duration::from_secs(1),
            action_time: Duration::from_millis(500),
            volume_time: Duration::from_millis(500),
            delete_time: Duration::ZERO,
            token_lifetime: Duration::from_secs(3600),
        }
    }
}
