//! Volumes, and what they are attached to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::world::FAR;

/// In the order of their creation.
#[derive(Default)]
pub(super) struct Volumes(Vec<Volume>);

pub(super) struct Volume {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    /// GiB.
    pub(super) size: u64,
    pub(super) metadata: BTreeMap<String, String>,
    /// Of the image that it was made from: its id and its name.
    pub(super) image: Option<(String, &'static str)>,
    /// The volume that it was copied from.
    pub(super) source: Option<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    attachment: Option<Attachment>,
    ready: Instant,
    goes: Option<Instant>,
}

pub(super) struct Attachment {
    pub(super) id: String,
    pub(super) server_id: String,
    pub(super) device: String,
    pub(super) attached: Timestamp,
    pub(super) goes_with_server: bool,
    holds: Instant,
    ends: Option<Instant>,
}

impl Volumes {
    pub(super) fn get(&self, id: &str) -> Option<&Volume> {
        self.0.iter().find(|volume| volume.id == id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Volume> {
        self.0.iter_mut().find(|volume| volume.id == id)
    }

    /// Newest first, as Cinder lists them.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Volume> {
        self.0.iter().rev()
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, volume: Volume) {
        self.0.push(volume);
    }

    /// Those of a server, in the order in which it got them.
    pub(super) fn of_server(&self, id: &str) -> impl Iterator<Item = (&Volume, &Attachment)> {
        let attached = |volume| Volume::attachment(volume).map(|held| (volume, held));
        let of_server = |(_, held): &(_, &Attachment)| held.server_id == id;
        let mut volumes: Vec<_> = self.0.iter().filter_map(attached).filter(of_server).collect();
        volumes.sort_by_key(|(_, held)| held.attached);
        volumes.into_iter()
    }

    /// Lets go of the volumes of a server that is gone.
    pub(super) fn release(&mut self, server_id: &str) {
        self.0.retain_mut(|volume| {
            let Some(held) = volume.attachment.take_if(|held| held.server_id == server_id) else {
                return true;
            };
            volume.updated = Timestamp::now();
            !held.goes_with_server
        });
    }

    /// Ends what has come to its end.
    pub(super) fn settle(&mut self) {
        let now = Instant::now();
        let is_over = |end: Option<Instant>| end.is_some_and(|end| end <= now);
        self.0.retain_mut(|volume| {
            if volume.attachment.take_if(|held| is_over(held.ends)).is_some() {
                volume.updated = Timestamp::now();
            }
            !is_over(volume.goes)
        });
    }
}

impl Volume {
    /// An empty one, which takes this long to make.
    pub(super) fn new(id: String, size: u64, takes: Duration) -> Volume {
        let now = Timestamp::now();
        let takes = takes.min(FAR);
        Volume {
            id,
            name: None,
            description: None,
            size,
            metadata: BTreeMap::new(),
            image: None,
            source: None,
            created: now,
            updated: now.checked_add(takes).unwrap_or(Timestamp::MAX),
            attachment: None,
            ready: Instant::now() + takes,
            goes: None,
        }
    }

    pub(super) fn status(&self) -> &'static str {
        let now = Instant::now();
        match &self.attachment {
            _ if self.goes.is_some() => "deleting",
            Some(held) if held.ends.is_some() => "detaching",
            Some(held) if now < held.holds => "reserved",
            Some(_) => "in-use",
            None if now < self.ready => "creating",
            None => "available",
        }
    }

    pub(super) fn attachment(&self) -> Option<&Attachment> {
        self.attachment.as_ref()
    }

    /// Begins to attach it to a server; it has to be available, or to be made for that server.
    pub(super) fn attach(&mut self, attachment: Attachment) {
        self.updated = attachment.attached;
        self.attachment = Some(attachment);
    }

    pub(super) fn detach(&mut self, takes: Duration) {
        if let Some(held) = &mut self.attachment {
            held.ends = Some(Instant::now() + takes.min(FAR));
        }
    }

    pub(super) fn delete(&mut self, takes: Duration) {
        self.goes = Some(Instant::now() + takes.min(FAR));
    }
}

impl Attachment {
    /// One that takes this long until it holds.
    pub(super) fn new(id: String, server_id: &str, device: String, takes: Duration) -> Attachment {
        let takes = takes.min(FAR);
        Attachment {
            id,
            server_id: server_id.to_owned(),
            device,
            attached: Timestamp::now().checked_add(takes).unwrap_or(Timestamp::MAX),
            goes_with_server: false,
            holds: Instant::now() + takes,
            ends: None,
        }
    }
}
