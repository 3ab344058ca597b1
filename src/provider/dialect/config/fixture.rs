//! Files and variables to read settings from, for the tests of every configuration.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder of its own for one test, removed with it.
pub(in crate::provider) struct Folder(pub(in crate::provider) PathBuf);

impl Folder {
    pub(in crate::provider) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("welkin-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(in crate::provider) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path: &Path = &self.0.join(name);
        fs::write(path, text).expect("a file");
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(in crate::provider) fn vars(set: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
    let set: Vec<_> =
        set.iter().map(|(name, text)| (String::from(*name), String::from(*text))).collect();
    move |name| Some(set.iter().find(|(known, _)| known == name)?.1.clone())
}

/// No certificate, but what one looks like from afar.
pub(in crate::provider) const PEM: &str =
    "# my root\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
