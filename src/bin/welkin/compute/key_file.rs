//! A file for a private key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use welkin::PrivateKey;

use crate::complaint::Complaint;

/// A new file that only its owner can read; taken away again unless a key is kept in it.
pub(super) struct KeyFile {
    path: PathBuf,
    file: File,
    is_kept: bool,
}

impl KeyFile {
    /// Makes the file, which must not exist.
    pub(super) fn begin(path: &Path) -> Result<Self, Complaint> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => Complaint::new(format!(
                "{} exists, and no key is overwritten; name a new file",
                path.display()
            )),
            _ => Complaint::because(&format!("{} cannot be made", path.display()), &e),
        })?;
        Ok(Self { path: path.to_owned(), file, is_kept: false })
    }

    pub(super) fn keep(mut self, key: &PrivateKey) -> Result<(), Complaint> {
        let key = key.expose();
        let end = if key.ends_with('\n') { "" } else { "\n" };
        self.file
            .write_all(key.as_bytes())
            .and_then(|()| self.file.write_all(end.as_bytes()))
            .and_then(|()| self.file.sync_all())
            .map_err(|e| {
                Complaint::because(&format!("{} cannot be written", self.path.display()), &e)
            })?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be taken away is empty, or half a key of a pair that is deleted.
            let _ = fs::remove_file(&self.path);
        }
    }
}
