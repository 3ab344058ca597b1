//! Content of any size, both ways, in little memory.

use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use welkin::{Content, Result};

use super::*;

/// So many bytes that differ from place to place.
struct Pattern {
    at: u64,
    end: u64,
}

impl Pattern {
    fn new(size: u64) -> Self {
        Self { at: 0, end: size }
    }

    fn byte(at: u64) -> u8 {
        (at ^ (at >> 8) ^ (at >> 16)) as u8
    }
}

impl Read for Pattern {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = into.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        into[..n].iter_mut().zip(self.at..).for_each(|(byte, at)| *byte = Self::byte(at));
        self.at += n as u64;
        Ok(n)
    }
}

impl Stream for Pattern {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut piece = vec![0; 100_000];
        let n = self.read(&mut piece).unwrap();
        piece.truncate(n);
        Poll::Ready((n > 0).then(|| Ok(piece.into())))
    }
}

/// Compares what comes with what went.
#[derive(Default)]
struct Checked(u64);

impl io::Write for Checked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let same = bytes.iter().zip(self.0..).all(|(byte, at)| *byte == Pattern::byte(at));
        assert!(same, "another byte after {}", self.0);
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn check(mut stream: impl Stream<Item = Result<Bytes>> + Unpin) -> Result<u64> {
    let mut checked = Checked::default();
    while let Some(piece) = poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
        io::Write::write_all(&mut checked, &piece?).unwrap();
    }
    Ok(checked.0)
}

#[test]
#[ignore = "asks a real server"]
fn bytes_readers_and_streams_go_there_and_back() {
    const SIZE: u64 = 9_000_001;
    let storage = storage();
    let container = Guarded::new(&storage, "content");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();

    let mut whole = Vec::new();
    Pattern::new(SIZE).read_to_end(&mut whole).unwrap();
    let stored = storage.upload_object(&container, "bytes", whole).wait().unwrap();
    assert_eq!((stored.size, stored.etag.map(|tag| tag.len())), (SIZE, Some(32)));
    let reader = || Content::reader(Pattern::new(SIZE), SIZE);
    storage.upload_object(&container, "reader", reader()).wait().unwrap();
    let stream = || Content::stream(Pattern::new(SIZE), SIZE);
    runtime.block_on(storage.upload_object(&container, "stream", stream())).unwrap();
    smol::block_on(storage.upload_object(&container, "smol", stream())).unwrap();

    for name in ["bytes", "reader", "stream", "smol"] {
        let download = || storage.download_object(&container, name);
        let (mut back, mut checked) = (download().bytes().wait().unwrap(), Checked::default());
        io::Write::write_all(&mut checked, &std::mem::take(&mut back)).unwrap();
        assert_eq!(checked.0, SIZE);
        let mut checked = Checked::default();
        assert_eq!(io::copy(&mut download().reader(), &mut checked).unwrap(), SIZE);
        assert_eq!(runtime.block_on(check(download().stream())).unwrap(), SIZE);
        assert_eq!(smol::block_on(check(download().stream())).unwrap(), SIZE);
    }
    let sizes = storage.list_objects(&container).wait().unwrap();
    assert!(sizes.iter().all(|object| object.size == SIZE) && sizes.len() == 4);
    let same: Vec<_> = sizes.iter().map(|object| &object.etag).collect();
    assert!(same.iter().all(|tag| *tag == same[0]), "one content, one tag: {same:?}");
}

#[test]
#[ignore = "asks a real server"]
fn nothing_is_something() {
    let storage = storage();
    let container = Guarded::new(&storage, "empty");
    for (name, content) in
        [("bytes", Content::from("")), ("reader", Content::reader(io::empty(), 0))]
    {
        assert_eq!(storage.upload_object(&container, name, content).wait().unwrap().size, 0);
        assert_eq!(storage.download_object(&container, name).bytes().wait().unwrap(), "");
        let download = storage.download_object(&container, name).stream();
        assert_eq!(smol::block_on(check(download)).unwrap(), 0);
    }
}

#[test]
#[ignore = "asks a real server"]
fn an_upload_that_fails_leaves_what_was_there() {
    let storage = storage();
    if !refuses("bodies") {
        return;
    }
    let container = Guarded::new(&storage, "fails");
    storage.upload_object(&container, "kept", "old").wait().unwrap();
    let shrinks = Content::reader(Pattern::new(5_000_000), 6_000_000);
    let grows = Content::reader(Pattern::new(6_000_000), 5_000_000);
    for content in [shrinks, grows] {
        let error = storage.upload_object(&container, "kept", content).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Local, "{error:?}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dropped =
        storage.upload_object(&container, "kept", Content::reader(Pattern::new(1 << 30), 1 << 30));
    let soon = std::time::Duration::from_millis(50);
    assert!(runtime.block_on(async { tokio::time::timeout(soon, dropped).await }).is_err());
    let kept = storage.download_object(&container, "kept").bytes().wait().unwrap();
    assert!(kept == "old", "{} bytes are there", kept.len());
}

/// What the whole of this program may need while 256 MiB go there and back.
const MOST_MEMORY: u64 = 48 << 20;
const LARGE: u64 = 256 << 20;

#[test]
#[ignore = "asks a real server"]
#[cfg(target_os = "linux")]
fn large_objects_stay_out_of_memory() {
    // Only a process of its own can tell what it needed.
    if std::env::var_os("WELKIN_CHILD").is_some() {
        return large_objects_there_and_back();
    }
    is_real();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "content::large_objects_stay_out_of_memory", "--include-ignored"])
        .args(["--nocapture", "--test-threads=1"])
        .env("WELKIN_CHILD", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}\n{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains("most memory"), "{said}");
}

#[cfg(target_os = "linux")]
fn large_objects_there_and_back() {
    let storage = storage();
    let container = Guarded::new(&storage, "large");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let content = Content::reader(Pattern::new(LARGE), LARGE);
    storage.upload_object(&container, "thread", content).wait().unwrap();
    let content = Content::stream(Pattern::new(LARGE), LARGE);
    runtime.block_on(storage.upload_object(&container, "task", content)).unwrap();
    let mut checked = Checked::default();
    io::copy(&mut storage.download_object(&container, "thread").reader(), &mut checked).unwrap();
    assert_eq!(checked.0, LARGE);
    let stream = storage.download_object(&container, "task").stream();
    assert_eq!(runtime.block_on(check(stream)).unwrap(), LARGE);

    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!("most memory: {} MiB", kib >> 10);
    assert!(kib << 10 < MOST_MEMORY, "{} MiB", kib >> 10);
}
